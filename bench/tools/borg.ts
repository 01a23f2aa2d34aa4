// borg, where it is installed.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram } from '../../test/servers/programs.ts';
import type { Command } from '../measure.ts';
import type { Tool } from './tool.ts';

/** What borg keeps beside a repository: its caches. */
export const borgFolder = '.borg';

/** One tool, or none. */
export const borgTools = (): Tool[] => {
  const binary = findProgram('borg');
  if (binary === undefined) return [];
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  return [borgTool(binary, version)];
};

const borgTool = (binary: string, name: string): Tool => {
  const command = (
    line: string,
    repository: string,
    env: Readonly<Record<string, string>> = {},
  ): Command => ({
    line: line.replaceAll('borg ', '"$BORG" '),
    env: {
      BORG: binary,
      HOME: '/nonexistent',
      BORG_BASE_DIR: repository + borgFolder,
      BORG_REPO: repository,
      BORG_PASSPHRASE: 'benchmark',
      ...env,
    },
  });
  const create = 'borg create --compression zstd,3 "::{now:%Y%m%d%H%M%S%f}"';
  const newest = 'archive=$(borg list --last 1 --short)';
  return {
    name,
    settings: 'repokey-blake2, --compression zstd,3, its caches on',
    init: (repository) => command('borg init -e repokey-blake2', repository),
    backup: ({ repository, path }) => command(`${create} "$INPUT"`, repository, { INPUT: path }),
    restore: ({ repository, path }) =>
      command(`${newest}; cd "$TARGET" && borg extract "::$archive"`, repository, { TARGET: path }),
    restored: (target, path) => join(target, path),
    backupDatabase: (repository, { dump, url, env }) =>
      command(`${dump} | ${create} -`, repository, { DATABASE: url, ...env }),
    restoreDatabase: (repository, { load, url, env }) =>
      command(`${newest}; borg extract --stdout "::$archive" | ${load}`, repository, {
        DATABASE: url,
        ...env,
      }),
  };
};
