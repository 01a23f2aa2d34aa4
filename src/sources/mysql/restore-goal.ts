// What of a backup is to be restored, and where it goes.
import { HoldfastError } from '#lib/errors.ts';
import { databasePath, dataFolder, decodeName } from './layout.ts';
import type { Restoring } from './restore.ts';

/** Tables of a database by name or by the beginning of it; without any, those whose rows come. */
export interface Parts {
  readonly isAsked: (table: string) => boolean;
}

/** What is wanted of each database. */
export type Selection = 'everything' | ((database: string) => 'everything' | Parts);

export interface Goal {
  /** Its name in the backup. */
  readonly database: string;
  /** Its name in the target. */
  readonly name: string;
  readonly parts: 'everything' | Parts;
}

/** Reads paths as they stand in a backup: 'shop', 'shop/data/orders', 'shop/data/log_*'. */
export const parseSelection = (paths: readonly string[] | undefined): Selection => {
  if (paths === undefined || paths.includes('')) return 'everything';
  for (const path of paths) assertRestorable(path);
  return (database) => {
    const own = paths
      .map((path) => path.split('/'))
      .filter(([top = '']) => fits(top, databasePath(database)));
    if (own.some((parts) => parts.length === 1)) return 'everything';
    const asked = own.map(([, , table = '*']) => table);
    return { isAsked: (table) => asked.some((one) => fits(decodeName(one), table)) };
  };
};

const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

const assertRestorable = (path: string): void => {
  const [top = '', folder = dataFolder] = path.split('/');
  if (folder.startsWith(dataFolder)) return;
  throw new HoldfastError('USAGE', `${path} cannot be restored into a database by itself`, {
    hint: `restore ${top}, or tables of it: ${top}/${dataFolder}/<table>`,
  });
};

/** Where a database goes: where it is renamed to, else the one database that the target names, else its own name. */
export const goalFor = (restoring: Restoring, database: string, earlier: readonly Goal[]): Goal => {
  const { config, settings, into, selection } = restoring;
  const parts = selection === 'everything' ? selection : selection(database);
  const renamed = into.rename.find(([from]) => from === database)?.[1];
  const named = config.databases === undefined ? settings.database : undefined;
  const name = renamed ?? named ?? database;
  const rival = earlier.find((goal) => goal.name === name);
  if (!rival) return { database, name, parts };
  throw new HoldfastError(
    'USAGE',
    `both ${rival.database} and ${database} would become the database ${name}`,
    { hint: 'choose one of them with --path, or leave the database out of the target’s URL' },
  );
};
