// What of a backup is to be restored, and where it goes.
import { HoldfastError } from '#lib/errors.ts';
import type { RestoreTarget } from '../source.ts';
import { databasePath } from './layout.ts';
import type { Restoring } from './restore.ts';

/** Paths as they stand in a backup ('shop', 'shop/data/4f.jsonl'); one that ends in '*' is all that begins so. */
export type Selection = 'everything' | readonly string[];

export interface Goal {
  /** Its name in the backup. */
  readonly database: string;
  /** Its name in the target. */
  readonly name: string;
  /** The database as such, not only documents of it. */
  readonly whole: boolean;
}

export const selectionOf = ({ selection, records }: RestoreTarget): Selection =>
  records === undefined && (selection === undefined || selection.includes(''))
    ? 'everything'
    : (selection ?? []);

/** Whether a file was asked for; others come along because they lie beside it. */
export const isChosen = (selection: Selection, path: string, database: string): boolean =>
  selection === 'everything' || isWhole(selection, database) || selection.some((one) => isWithin(path, one));

const isWhole = (selection: Selection, database: string): boolean =>
  selection === 'everything' || selection.some((one) => isWithin(databasePath(database), one));

const isWithin = (path: string, one: string): boolean =>
  one.endsWith('*') ? path.startsWith(one.slice(0, -1)) : path === one || path.startsWith(`${one}/`);

/** Where a database goes: where it is renamed to, else the one that the target's URL names, else its own name. */
export const goalFor = (
  { config, into, selection }: Pick<Restoring, 'config' | 'into' | 'selection'>,
  database: string,
  earlier: readonly Goal[],
): Goal => {
  const renamed = into.rename.find(([from]) => from === database)?.[1];
  const name = renamed ?? config.url.database ?? database;
  const whole = into.records === undefined && isWhole(selection, database);
  const rival = earlier.find((goal) => goal.name === name);
  if (!rival) return { database, name, whole };
  throw new HoldfastError(
    'USAGE',
    `both ${rival.database} and ${database} would become the database ${name}`,
    {
      hint: 'choose one of them with --path, or leave the database out of the target’s URL',
    },
  );
};
