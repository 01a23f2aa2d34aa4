// From what the walk sees to entries: files with their content to be read, or known to be as they were.
import { lstatSync } from 'node:fs';
import { throwIfCancelled } from '#lib/clock.ts';
import { fsPath } from '#lib/file-name.ts';
import { doubtfulTime } from '#lib/file-times.ts';
import type { Context } from '#lib/kind.ts';
import type { Entry, Previous } from '../source.ts';
import { localAccounts } from './accounts.ts';
import { nameOwners } from './metadata.ts';
import type { FilesConfig } from './options.ts';
import { createPause } from './pause.ts';
import { type Moved, onDisk, placesOf } from './places.ts';
import { readFile } from './read-file.ts';
import { planOf } from './roots.ts';
import type { Selection } from './selection.ts';
import type { SystemCalls } from './system-calls.ts';
import { isUnchanged } from './unchanged.ts';
import { walkTree } from './walk.ts';
import { dismissThread, walkOnThread } from './walk-thread.ts';
import { xattrReader } from './xattrs.ts';

interface DumpContext extends Pick<Context, 'signal' | 'log'> {
  readonly held: AsyncDisposableStack;
}

/**
 * Every entry of the tree, files with their content to be read, or marked as unchanged since `previous`. The walk begins when the first
 * entry is asked for: beside the work on what it finds when that is mostly to look whether it changed, else file by file, so that each
 * is read at once. What is held for it is to be closed when all has been read.
 */
export async function* dump(
  config: FilesConfig,
  selection: Selection,
  calls: SystemCalls | undefined,
  { signal, log, held }: DumpContext,
  previous?: Previous,
): AsyncGenerator<Entry> {
  const readXattrs = xattrReader(config.xattrs, calls);
  const plan = planOf(config);
  const moved = await whereToRead(config, { signal, log, held });
  const places = placesOf(moved);
  const prefix = plan.folder.endsWith('/') ? plan.folder : `${plan.folder}/`;
  const accounts = localAccounts();
  const pause = createPause();
  const doubtful = previous && doubtfulTime(previous.begun, new Date());
  if (!previous) dismissThread();
  const parts = previous
    ? walkOnThread({ config, moved, withXattrs: readXattrs !== undefined }, { signal, log })
    : [walkTree({ plan, places, selection, readXattrs, options: config, log })];
  const letOthersWork = async (): Promise<void> => {
    throwIfCancelled(signal);
    if (pause.due()) await pause.take();
  };
  for await (const part of parts) {
    await letOthersWork();
    for (const { path, type, meta, failed } of part) {
      nameOwners(meta, accounts);
      const asked = prefix + path;
      const place = onDisk(asked, places(asked));
      const content = () => readFile(place, meta.size ?? 0, signal);
      const known = type === 'file' ? previous?.entry(path) : undefined;
      const before = known instanceof Promise ? await known : known; // to wait costs more than to look
      if (before && doubtful && isUnchanged(meta, before, doubtful, config)) {
        yield { path, type, meta, content, unchanged: true };
        continue;
      }
      await letOthersWork(); // what is not as it was takes longer
      if (failed) yield { path, type, meta, failed };
      else if (type !== 'file') yield { path, type, meta };
      else if (!previous || isThere(place)) yield { path, type, meta, content };
    }
  }
}

/** What snapshots take is loaded for those who read from one. */
const whereToRead = async (config: FilesConfig, context: DumpContext): Promise<readonly Moved[]> => {
  if (!config.fsSnapshot && config.readFrom === undefined) return [];
  return (await import('./fs-snapshot.ts')).whereToRead(config, context.held, context);
};

/** The snapshot is of a moment after a file has gone that was seen some time ago. Whoever reads what cannot be looked at learns why. */
const isThere = (place: string): boolean => {
  try {
    return lstatSync(fsPath(place), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
};
