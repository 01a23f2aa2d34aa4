// What would stop or spoil a backup of files, told before it starts.
import { accessSync, constants, readdirSync } from 'node:fs';
import { fsPath } from '#lib/file-name.ts';
import type { Finding } from '../source.ts';
import { advice, liveDatabaseIn } from './live-databases.ts';
import type { FilesConfig } from './options.ts';
import { pathsAsked, statAsked } from './roots.ts';
import type { SystemCalls } from './system-calls.ts';
import { reasonOf } from './system-error.ts';

/** Nothing below the given paths is read. */
export const checkFiles = async (config: FilesConfig, calls: SystemCalls | undefined): Promise<Finding[]> => [
  ...pathsAsked(config).flatMap(checkPath),
  ...(config.fsSnapshot ? await (await import('./fs-snapshot.ts')).checkSnapshots(config) : []),
  ...(config.xattrs === 'off' || calls ? [] : [withoutXattrs(config.xattrs === 'required')]),
];

const checkPath = (path: string): Finding[] => {
  try {
    const stat = statAsked(path);
    if (!stat.isDirectory()) {
      accessSync(fsPath(path), constants.R_OK);
      return [];
    }
    const names = readdirSync(fsPath(path));
    const database = liveDatabaseIn(path, names);
    if (database) return [{ level: 'warning', subject: path, ...advice(database) }];
    if (names.length > 0) return [];
    return [
      {
        level: 'warning',
        subject: path,
        message: 'the folder is empty',
        hint: 'check that what should be there is mounted',
      },
    ];
  } catch (error) {
    return [
      {
        level: 'error',
        subject: path,
        message: `cannot be read: ${reasonOf(error)}`,
        hint: 'check the path, and that this user may read it',
      },
    ];
  }
};

const withoutXattrs = (required: boolean): Finding => ({
  level: required ? 'error' : 'warning',
  subject: 'extended attributes',
  message:
    'ACLs and other extended attributes are neither kept nor restored here, and times are restored to the microsecond only',
  hint: 'on 64-bit Linux install Holdfast with its optional dependencies; or set xattrs: off if there are none',
});
