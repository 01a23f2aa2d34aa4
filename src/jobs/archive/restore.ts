// An archive → a folder or a database.
import { createHash } from 'node:crypto';
import { decrypt } from '#archive/encryption.ts';
import { type Format, formatOf } from '#archive/format.ts';
import { readObject } from '#archive/read-object.ts';
import { type Bytes, decompress } from '#archive/streams.ts';
import { entriesOf } from '#archive/tar-entries.ts';
import { type FoundMember, unpackTar } from '#archive/tar-stream.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import { type Entry, plainDumperOf, type RestoreReport, type Source } from '#sources/source.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { openPlainStore } from '../plain-store.ts';
import { checksumsOf } from './checksum.ts';
import { filesLikeOwn, type OwnFile } from './files.ts';
import { ownerText } from './owner.ts';
import { type ArchiveTask, ownershipOf, wordsOf } from './run.ts';

/** One file of a store. */
export interface ArchivePlace {
  readonly store: StoreConfig;
  readonly key: string;
}

export interface ArchiveRestore extends ArchivePlace {
  readonly target: SourceConfig;
  /** Of a tar that holds several: the folder of this source; absent: of the first. */
  readonly source?: string | undefined;
  /** What the key file of age holds, for an encrypted archive. */
  readonly identity?: string | undefined;
  readonly rename: readonly (readonly [from: string, to: string])[];
  readonly force: boolean;
}

/** Restores all of it. The archive's checksum, where one lies beside it, is held against what was read. */
export const restoreArchive = async (
  request: ArchiveRestore,
  context: JobContext,
): Promise<RestoreReport> => {
  const { key, target, force, rename } = request;
  const { signal, clock, log, onEvent } = context;
  const format = formatOf(key);
  if (format === undefined)
    throw new HoldfastError('USAGE', `${key} has not the ending of an archive`, {
      hint: 'archives end in .tar.gz, .tgz, .tar.zst, .tar, .sql.gz, .sql.zst or .sql, and then perhaps in .age',
    });
  await using store = await openPlainStore('archive', request.store, context);
  await using source = await openSource(target, { signal, clock, log });
  onEvent({ type: 'started', subject: key, doing: `restoring from ${store.location}` });
  const passedOver = new Set<string>();
  const bytes = plainBytes(verified(store, key, signal), format, request);
  const entries =
    format.container === 'tar'
      ? inFolder(unpackTar(bytes), request.source, passedOver)
      : dumpEntries(source, target, format.container.plain, bytes);
  const report = await source.restore(entries, {
    force,
    rename,
    sequential: true,
    onProgress: ({ bytes: done, entries: items, current }) =>
      onEvent({
        type: 'progress',
        subject: key,
        progress: { phase: 'restoring', bytes: done, items, current },
      }),
  });
  const others = [...passedOver].map(
    (name) => `${name} is in the archive too: restore it with --source ${name}`,
  );
  return { ...report, warnings: [...report.warnings, ...others] };
};

/**
 * The newest file that a job made, or the one of that name, in whichever of its stores it lies: a store that cannot be read is
 * passed over with a warning. Files that other machines made count when they are named, and where this one has none. USAGE when it is not clear which.
 */
export const findArchive = async (
  task: ArchiveTask,
  { file, source }: { readonly file?: string | undefined; readonly source?: string | undefined },
  context: JobContext,
): Promise<ArchivePlace> => {
  const sources = task.sources.filter(({ name }) => source === undefined || name === source);
  if (sources.length === 0)
    throw new HoldfastError('USAGE', `${task.job} archives no source "${source}"`, {
      hint: `it archives ${task.sources.map(({ name }) => name).join(', ')}`,
    });
  const files = await archivesIn(task, sources, file, context);
  const found = files.filter(({ key }) => file === undefined || key === file);
  const newest = found.toSorted((a, b) => b.time.getTime() - a.time.getTime())[0];
  if (newest === undefined) throw noArchive(task, file ?? (source && `of ${source}`), files);
  if (file === undefined && new Set(found.map(({ group }) => group)).size > 1)
    throw new HoldfastError('USAGE', `${task.job} has archives of several sources, databases or machines`, {
      hint: `say which: --source, or --archive ${task.job}:${newest.key}`,
    });
  return newest;
};

const archivesIn = async (
  task: ArchiveTask,
  sources: readonly SourceConfig[],
  wanted: string | undefined,
  context: JobContext,
): Promise<(ArchivePlace & OwnFile)[]> => {
  const files: (ArchivePlace & OwnFile)[] = [];
  const failures: Error[] = [];
  for (const config of task.stores) {
    try {
      await using store = await openPlainStore('archive', config, context);
      const ownership = ownershipOf(task, undefined);
      const here = await filesLikeOwn(store, { words: wordsOf(task, sources), ownership });
      const own = ownAmong(here);
      const all =
        wanted === undefined && own.length > 0
          ? own
          : await filesLikeOwn(store, { words: wordsOf(task, sources, 'any'), ownership });
      files.push(
        ...all.filter(isOfJob(task)).map((file) => ({ ...file, group: groupOf(file), store: config })),
      );
    } catch (thrown) {
      throwIfCancelled(context.signal);
      failures.push(asError(thrown));
    }
  }
  if (files.length === 0 && failures[0]) throw failures[0];
  for (const { message } of failures)
    context.onEvent({ type: 'warning', subject: task.job, text: `passed over: ${message}`, hint: unseen });
  return files;
};

/** Of each group those that are surely the job's own; where there are none, those of nobody that is known. */
const ownAmong = (files: readonly OwnFile[]): OwnFile[] =>
  [...Map.groupBy(files, ({ group }) => group).values()].flatMap((group) => {
    const ours = group.filter(({ whose }) => whose === 'ours');
    return ours.length > 0 ? ours : group.filter(({ whose }) => whose === 'unknown');
  });

/** Of whatever machine: jobs of other names may make files of such names. */
const isOfJob =
  ({ job }: ArchiveTask) =>
  ({ whose }: OwnFile): boolean =>
    typeof whose === 'string' || whose.job === job;

const groupOf = ({ group, whose }: OwnFile): string =>
  typeof whose === 'string' ? group : `${group}${ownerText(whose)}`;

const unseen = 'a newer archive may lie there';

const noArchive = (
  { job }: ArchiveTask,
  what: string | undefined,
  files: readonly ArchivePlace[],
): HoldfastError => {
  const names = [...new Set(files.map(({ key }) => key))].slice(-3);
  return new HoldfastError('OBJECT_MISSING', `${job} has no archive${what === undefined ? '' : ` ${what}`}`, {
    hint:
      names.length > 0
        ? `the newest it has: ${names.join(', ')}`
        : 'only files that this job made, with their checksums beside them, count: name another by its path or URL',
  });
};

/** The file's bytes; throws at their end when they are not those that its checksum stands for. */
async function* verified(store: Store, key: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const expected = await checksumsOf(store, key);
  const hash = createHash('sha256');
  for await (const chunk of readObject(store, key, signal)) {
    hash.update(chunk);
    yield chunk;
  }
  if (expected.length > 0 && !expected.includes(hash.digest('hex')))
    throw new HoldfastError('FAILED', `${store.location}: ${key} is damaged: its checksum is another`, {
      hint: 'restore from another archive, or from another store that has this one',
    });
}

const plainBytes = (
  bytes: Bytes,
  { compression, encrypted }: Format,
  { identity }: ArchiveRestore,
): Bytes => {
  if (!encrypted && identity !== undefined)
    throw new HoldfastError('USAGE', '--identity is for an encrypted archive, and this one is none', {
      hint: 'an encrypted archive ends in .age; leave out --identity',
    });
  if (!encrypted) return decompress(bytes, compression);
  if (identity !== undefined) return decompress(decrypt(bytes, identity), compression);
  throw new HoldfastError('USAGE', 'the archive is encrypted, and no --identity is given', {
    hint: 'name the file with the secret key of age',
  });
};

const dumpEntries = (
  source: Source,
  { kind }: SourceConfig,
  ending: string,
  bytes: Bytes,
): AsyncIterable<Entry> => {
  const dumper = plainDumperOf(source);
  if (dumper?.plainExtension === ending) return dumper.readPlain(bytes);
  throw new HoldfastError('USAGE', `a dump that ends in .${ending} cannot go into ${kind}`, {
    hint: 'name a database of the kind it came from by its URL',
  });
};

/** The entries of one folder of a tar; the names of the others are noted. */
async function* inFolder(
  members: AsyncIterable<FoundMember>,
  wanted: string | undefined,
  passedOver: Set<string>,
): AsyncGenerator<Entry> {
  const iterator = members[Symbol.asyncIterator]();
  const first = await iterator.next();
  const folder = wanted ?? (first.done ? '' : topOf(first.value));
  let found = false;
  const noted = async function* (): AsyncGenerator<FoundMember> {
    for (let next = first; !next.done; next = await iterator.next()) {
      if (topOf(next.value) === folder) found = true;
      else passedOver.add(topOf(next.value));
      yield next.value;
    }
  };
  try {
    yield* entriesOf(noted(), folder);
  } finally {
    await iterator.return?.();
  }
  if (!found)
    throw new HoldfastError('PATH_UNKNOWN', `the archive holds nothing of ${folder}`, {
      hint: `it has ${[...passedOver].join(', ')}`,
    });
}

const topOf = ({ header }: FoundMember): string => header.name.split('/')[0] ?? '';
