// restic: Debian's own, and the newest that Debian has.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { resticBinaries, skipWithoutRestic } from '../../test/tools/restic.ts';
import type { Command } from '../measure.ts';
import type { Tool } from './tool.ts';

/** Both versions, the newest first; none where they cannot be had. */
export const resticTools = async (): Promise<Tool[]> => {
  if (skipWithoutRestic() !== undefined) return [];
  const binaries = await resticBinaries();
  return [resticTool(binaries.new), resticTool(binaries.old)];
};

const resticTool = (binary: string): Tool => {
  const version = /restic (\S+)/.exec(execFileSync(binary, ['version'], { encoding: 'utf8' }))?.[1] ?? '?';
  const verifies = version.startsWith('0.14')
    ? 'does not verify blobs after sealing'
    : 'verifies every blob after it is sealed';
  const command = (
    line: string,
    repository: string,
    env: Readonly<Record<string, string>> = {},
  ): Command => ({
    line: line.replace('restic', '"$RESTIC" --no-cache -q'),
    env: {
      RESTIC: binary,
      HOME: '/nonexistent',
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: 'benchmark',
      ...env,
    },
  });
  return {
    name: `restic ${version}`,
    settings: `defaults: zstd «auto», ${verifies}, fsync of every pack; --no-cache`,
    init: (repository) => command('restic init', repository),
    backup: ({ repository, path }) => command('restic backup "$INPUT"', repository, { INPUT: path }),
    restore: ({ repository, path }) =>
      command('restic restore latest --target "$TARGET"', repository, { TARGET: path }),
    restored: (target, path) => join(target, path),
    backupDatabase: (repository, { dump, url, env }) =>
      command(`${dump} | restic backup --stdin --stdin-filename database.dump`, repository, {
        DATABASE: url,
        ...env,
      }),
    restoreDatabase: (repository, { load, url, env }) =>
      command(`restic dump latest database.dump | ${load}`, repository, { DATABASE: url, ...env }),
  };
};
