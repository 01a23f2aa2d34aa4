// `kind: files`, folders and files of a local or mounted file system: the door of this folder. All else is loaded when it is first opened.
import { expandHome } from '#lib/home.ts';
import type { SourceKind } from '../source.ts';
import { type FilesConfig, filesConfig } from './options.ts';

const load = () => import('./open-files.ts');

/** A backup's walk may have a thread of its own, which takes a moment to begin. */
const loadForBackup = async () => {
  const [{ readyThread }] = await Promise.all([import('./walk-thread.ts'), load()]);
  readyThread();
};

export const files: SourceKind<FilesConfig> = {
  name: 'files',
  config: filesConfig,
  abilities: ['receiving', 'scratch folder'],
  abilitiesByKey: { fsSnapshot: 'moment' },
  fromUrl: (url) => filesConfig.parse({ path: expandHome(url.replace(/^files:(\/\/(?=\/))?/, '')) }),
  load: loadForBackup,
  open: async (config, context) => (await load()).openFilesHere(config, context),
};
