// The names that a job would give to archives now: whether others have them.
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate, templateAt } from '#archive/name.ts';
import type { Catalog } from '#catalog/catalog.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Store } from '#stores/store.ts';
import { checksumEnding } from '../archive/checksum.ts';
import { fixedBeginning } from '../archive/files.ts';
import { markOf } from '../archive/owner.ts';
import { sizeOfOwn } from '../archive/ownership.ts';
import { type ArchiveTask, ownershipOf, wordsOf } from '../archive/run.ts';
import { broken, type Diagnosis } from './diagnosis.ts';

/** One diagnosis at most: what one name tells, all of them do mostly. Which databases there are is not asked; the store tells their names. */
export const diagnoseNames = async (
  {
    subject,
    task,
    catalog,
  }: {
    readonly subject: string;
    readonly task: ArchiveTask;
    readonly catalog: Catalog | undefined;
  },
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

/** Those of them that something has there, be it a mark alone. */
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
