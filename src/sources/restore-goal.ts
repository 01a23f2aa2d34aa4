// What of a server's backup is to be restored, and where it goes.
import { HoldfastError } from '#lib/errors.ts';
import type { RestoreTarget } from './source.ts';

/** What is wanted of each database; `Parts` is how a kind names tables of one. */
export type Selection<Parts> = 'everything' | ((database: string) => 'everything' | Parts);

export interface Goal<Parts> {
  /** Its name in the backup. */
  readonly database: string;
  /** Its name in the target. */
  readonly name: string;
  readonly parts: 'everything' | Parts;
}

/** Where a kind keeps tables: `<database>/<dataFolder>/<table>`. */
export interface TablePlaces<Parts> {
  databasePath(database: string): string;
  readonly dataFolder: string;
  /** How a table's part of a path reads, for messages: '<schema>.<table>'. */
  readonly tablePath: string;
  /** Of the tables' parts of the paths that were asked for. */
  partsOf(tables: readonly string[]): Parts;
}

/**
 * Reads paths as they stand in a backup: 'shop', 'shop/data/public.orders', 'shop/data/log_*'. A path that ends in '*' is all that
 * begins so. USAGE for one that is nothing by itself.
 */
export const parseSelection = <Parts>(
  paths: readonly string[] | undefined,
  places: TablePlaces<Parts>,
): Selection<Parts> => {
  if (paths === undefined || paths.includes('')) return 'everything';
  for (const path of paths) assertRestorable(path, places);
  return (database) => {
    const own = paths
      .map((path) => path.split('/'))
      .filter(([top = '']) => fits(top, places.databasePath(database)));
    return own.some((parts) => parts.length === 1)
      ? 'everything'
      : places.partsOf(own.map(([, , table = '*']) => table));
  };
};

/** Whether a name is the one asked for, or begins as a pattern does that ends in '*'. */
export const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;

const assertRestorable = (path: string, { dataFolder, tablePath }: TablePlaces<unknown>): void => {
  const [top = '', folder = dataFolder] = path.split('/');
  if (folder.startsWith(dataFolder)) return;
  throw new HoldfastError('USAGE', `${path} cannot be restored into a database by itself`, {
    hint: `restore ${top}, or tables of it: ${top}/${dataFolder}/${tablePath}`,
  });
};

/** What a restore into a server is told. */
export interface Wanted<Parts> {
  readonly config: { readonly databases?: unknown };
  readonly settings: { readonly database?: string | undefined };
  readonly into: Pick<RestoreTarget, 'rename'>;
  readonly selection: Selection<Parts>;
}

/** The one database that the target names. */
export const namedTarget = ({ config, settings }: Wanted<unknown>): string | undefined =>
  config.databases === undefined ? settings.database : undefined;

/** Everything, under the databases' own names: then users and roles belong to it. */
export const isWholeServer = (wanted: Wanted<unknown>): boolean =>
  wanted.selection === 'everything' && namedTarget(wanted) === undefined;

/** Where a database goes: where it is renamed to, else the one database that the target names, else its own name. */
export const goalFor = <Parts>(
  wanted: Wanted<Parts>,
  database: string,
  earlier: Iterable<Goal<Parts>>,
): Goal<Parts> => {
  const { into, selection } = wanted;
  const parts = selection === 'everything' ? selection : selection(database);
  const renamed = into.rename.find(([from]) => from === database)?.[1];
  const name = renamed ?? namedTarget(wanted) ?? database;
  const rival = [...earlier].find((goal) => goal.name === name);
  if (!rival) return { database, name, parts };
  throw new HoldfastError(
    'USAGE',
    `both ${rival.database} and ${database} would become the database ${name}`,
    { hint: 'choose one of them with --path, or leave the database out of the target’s URL' },
  );
};
