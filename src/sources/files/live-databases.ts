// Databases whose files are no backup while a server changes them, told by the names that lie together in its data folder.
import { accessSync, constants } from 'node:fs';
import { systemCode } from '#lib/errors.ts';
import { fsPath } from '#lib/file-name.ts';

export interface LiveDatabase {
  readonly engine: string;
  /** The kind of source that backs it up. */
  readonly kind: string;
}

/** `names`: all that the folder has. Undefined on a read-only file system: what lies in a snapshot of a volume stays as it is. */
export const liveDatabaseIn = (folder: string, names: readonly string[]): LiveDatabase | undefined => {
  const found = dataFolders.find(({ signs }) => signs.every((name) => names.includes(name)));
  return found && !isReadOnly(folder) ? found : undefined;
};

const dataFolders: readonly (LiveDatabase & { readonly signs: readonly string[] })[] = [
  { engine: 'PostgreSQL', kind: 'postgres', signs: ['PG_VERSION', 'postmaster.pid'] },
  { engine: 'MariaDB or MySQL', kind: 'mysql', signs: ['ibdata1', 'mysql'] },
  { engine: 'MongoDB', kind: 'mongodb', signs: ['WiredTiger', 'mongod.lock'] },
];

const isReadOnly = (folder: string): boolean => {
  try {
    accessSync(fsPath(folder), constants.W_OK);
    return false;
  } catch (error) {
    return systemCode(error) === 'EROFS';
  }
};

/** What is to be said of a folder with such data. */
export const advice = ({ engine, kind }: LiveDatabase): { message: string; hint: string } => ({
  message: `holds the data of ${engine}: a copy of these files, made while the server runs, cannot be relied on`,
  hint: `back the server up as a source of kind ${kind}, and exclude the folder; or read it from a read-only snapshot of the volume`,
});
