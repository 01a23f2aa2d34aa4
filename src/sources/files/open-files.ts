// The files source on one configuration: what it can do, and with which of its parts.
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import type { Receiver } from '../receiver.ts';
import type { ScratchMaker, Source } from '../source.ts';
import { checkFiles } from './check.ts';
import { dump } from './dump.ts';
import type { FilesConfig } from './options.ts';
import { receiver } from './receiving.ts';
import { restoreEntries } from './restore.ts';
import { scratchMaker } from './scratch-place.ts';
import { selectionOf } from './selection.ts';
import { loadSystemCalls, type SystemCalls } from './system-calls.ts';
import { noXattrs } from './xattrs.ts';

const systemCalls = await loadSystemCalls();

/** The source on this configuration, with the system calls that this machine lets us make. */
export const openFilesHere = (config: FilesConfig, context: Context): Source =>
  openFiles(config, context, systemCalls);

/** The source on this configuration; without `calls` it keeps and restores what Node alone can. */
export const openFiles = (
  config: FilesConfig,
  context: Context,
  calls: SystemCalls | undefined,
): Source & ScratchMaker & Receiver => {
  const { signal } = context;
  const selection = selectionOf(config);
  const held = new AsyncDisposableStack();
  return {
    ...scratchMaker(config, (other) => openFiles(other, context, calls)),
    ...receiver(config, context, (other) => openFiles(other, context, calls)),
    concurrency: 1,
    check: () => checkFiles(config, calls),
    dump: (previous) => dump(config, selection, calls, { ...context, held }, previous),
    restore: async (entries, into) => {
      if (into.rename.length > 0)
        throw new HoldfastError('UNSUPPORTED', 'files cannot be renamed while they are restored', {
          hint: 'restore them under their own names and move them',
        });
      if (config.path === undefined)
        throw new HoldfastError('UNSUPPORTED', 'several paths are no target for a restore', {
          hint: 'restore into one folder: --to /path/of/a/folder',
        });
      if (config.xattrs === 'required' && !calls) throw noXattrs();
      const { path: folder, sparse, overwrite } = config;
      const xattrs = config.xattrs !== 'off';
      return restoreEntries(entries, into, { folder, sparse, overwrite, xattrs, calls, signal });
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
};
