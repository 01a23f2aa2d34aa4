// A folder for a trial: restored into, walked like any source, and removed.
import { join } from 'node:path';
import { checkScratchFolder, newPlaceIn } from '../scratch-folder.ts';
import type { RestoreTarget, ScratchMaker, Source } from '../source.ts';
import { type FilesConfig, filesConfig } from './options.ts';
import { removeTree } from './remove-tree.ts';

/** `open` gives a source on another configuration, which reads and writes as this one does. */
export const scratchMaker = (
  { xattrs, withAtime, sparse }: FilesConfig,
  open: (config: FilesConfig) => Source,
): ScratchMaker => ({
  scratchLocation: (folder) => folder,
  checkScratch: async (folder) => checkScratchFolder(folder),
  async openScratch({ name, folder }) {
    const place = newPlaceIn(folder, name);
    const source = open({ ...filesConfig.parse({ path: place }), xattrs, withAtime, sparse });
    return {
      concurrency: source.concurrency,
      restore: (entries, onProgress) => source.restore(entries, intoEmpty(onProgress)),
      dump: () => source.dump(),
      [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    };
  },
  async removeScratch(name, folder) {
    removeTree(join(folder, name));
  },
});

const intoEmpty = (onProgress: NonNullable<RestoreTarget['onProgress']>): RestoreTarget => ({
  force: false,
  rename: [],
  onProgress,
});
