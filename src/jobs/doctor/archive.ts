// What lies where a job archives: names that it would use now and that are another's, and archives that nobody will remove.
import { existsSync } from 'node:fs';
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate, templateAt } from '#archive/name.ts';
import type { Catalog } from '#catalog/catalog.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import type { Store } from '#stores/store.ts';
import { checksumEnding } from '../archive/checksum.ts';
import { filesLikeOwn, fixedBeginning } from '../archive/files.ts';
import { markOf, type Owner, ownerText } from '../archive/owner.ts';
import { sizeOfOwn } from '../archive/ownership.ts';
import { type ArchiveTask, ownershipOf, wordsOf } from '../archive/run.ts';
import { broken, type Diagnosis, warning } from './diagnosis.ts';

export interface Archiving {
  readonly subject: string;
  readonly task: ArchiveTask;
  readonly catalog: Catalog | undefined;
  /** Whether the file has a job of that name that archives. */
  archives(job: string): boolean;
}

export const diagnoseArchives = async (
  archiving: Archiving,
  store: Store,
  now: Date,
): Promise<Diagnosis[]> => [
  ...(await diagnoseNames(archiving, store, now)),
  ...(archiving.task.keep ? await diagnoseLeft(archiving, store) : []),
];

/** One diagnosis at most: what one name tells, all of them do mostly. Which databases there are is not asked; the store tells their names. */
const diagnoseNames = async (
  { subject, task, catalog }: Archiving,
  store: Store,
  now: Date,
): Promise<Diagnosis[]> => {
  const ownership = ownershipOf(task, catalog);
  const refusals: HoldfastError[] = [];
  for (const key of await namesNow(task, store, now))
    try {
      await sizeOfOwn(store, key, ownership);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'FAILED') throw error;
      refusals.push(error);
    }
  const [first, ...others] = refusals;
  if (first === undefined) return [];
  const { message, ...diagnosis } = broken(subject, first);
  return [{ ...diagnosis, message: others.length > 0 ? `${message}; and ${others.length} more` : message }];
};

/** Archives of a job of this machine that is no more, as after it was renamed. */
const diagnoseLeft = async (
  { subject, task, catalog, archives }: Archiving,
  store: Store,
): Promise<Diagnosis[]> => {
  const ownership = ownershipOf(task, catalog);
  const { host, file } = ownership.owner;
  const isGone = (owner: Owner): boolean =>
    owner.host === host && (owner.file === file ? !archives(owner.job) : isNoFile(owner.file));
  const words = { ...wordsOf(task, task.sources), job: 'any' } as const;
  const left = (await filesLikeOwn(store, { words, ownership })).flatMap(({ key, whose }) =>
    typeof whose === 'object' && isGone(whose) ? [{ key, whose }] : [],
  );
  const [first, ...others] = left;
  if (first === undefined) return [];
  const stay = others.length > 0 ? ` and ${plural(others.length, 'other file')} stay` : ' stays';
  return [
    warning(
      subject,
      `${store.location}: ${printable(first.key)}${stay}: ${ownerText(first.whose)}, which made it, is no more`,
      'remove what is not needed, or make it the job’s: see "Whose an archive is" in docs/archive.md',
    ),
  ];
};

const isNoFile = (file: string): boolean => file !== '-' && !existsSync(file);

/** The names that the job would give now and that something has there, be it a mark alone. */
const namesNow = async (task: ArchiveTask, store: Store, now: Date): Promise<string[]> => {
  const name = templateAt(task.name, now);
  const template = nameTemplate(name);
  const words = wordsOf(task, task.sources);
  const names = new Set<string>();
  for await (const { key } of store.list(fixedBeginning(name))) names.add(withoutBeside(key));
  return [...names].filter((key) => template.parse(withoutAddedEnding(key, name), words));
};

const withoutBeside = (key: string): string => {
  const ending = [checksumEnding, markOf('')].find((beside) => key.endsWith(beside)) ?? '';
  return key.slice(0, key.length - ending.length);
};
