// Holdfast itself: the command of the clone, with its default settings.
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { version } from '#lib/version.ts';
import type { Command } from '../measure.ts';
import type { Tool } from './tool.ts';

const clone = join(import.meta.dirname, '..', '..');

/** A command line of Holdfast; `args` may use $TARGET and what else the environment has. */
export const holdfastCommand = (
  args: string,
  repository: string,
  env: Readonly<Record<string, string>>,
): Command => ({
  line: `"$HOLDFAST" -q ${args}`,
  env: {
    HOLDFAST: join(clone, 'holdfast'),
    HOME: '/nonexistent',
    XDG_CACHE_HOME: join(clone, 'node_modules', '.cache'), // of compiled code, as a user has it
    HOLDFAST_REPOSITORY: repository,
    HOLDFAST_PASSWORD: 'benchmark',
    ...env,
  },
});

export const holdfast: Tool = {
  name: `holdfast ${version}`,
  settings:
    'defaults: zstd level 2 (1 for blobs up to 16 KiB), every blob verified after it is sealed, fsync of every pack',
  init: (repository) => holdfastCommand('init', repository, {}),
  backup: ({ repository, path }) => holdfastCommand('backup "$INPUT"', repository, { INPUT: path }),
  restore: ({ repository, path }) =>
    holdfastCommand('restore latest --to "$TARGET"', repository, { TARGET: path }),
  restored: (target, path) => (statSync(path).isDirectory() ? target : join(target, basename(path))),
  backupDatabase: (repository, { url, env }) =>
    holdfastCommand('backup "$DATABASE"', repository, { DATABASE: url, ...env }),
  restoreDatabase: (repository, { url, env }) =>
    holdfastCommand('restore latest --to "$DATABASE"', repository, { DATABASE: url, ...env }),
};

/** The same where the source has tables kept row by row, which only a configuration can say. */
export const holdfastByRows: Tool = {
  ...holdfast,
  name: `${holdfast.name}, by rows`,
  settings: 'increments: rows; the rest as above',
  backupDatabase: (repository, { url, env }) =>
    holdfastCommand('backup --config <(printf %s "$CONFIG")', repository, {
      CONFIG: byRows(repository, url),
      ...env,
    }),
};

const byRows = (repository: string, url: string): string =>
  JSON.stringify({
    repositories: { here: { store: repository, password: { env: 'HOLDFAST_PASSWORD' } } },
    sources: { shop: { kind: new URL(url).protocol.slice(0, -1), url, increments: 'rows' } },
    jobs: { nightly: { backup: ['shop'], to: ['here'] } },
    catalog: `${repository}.catalog`,
  });
