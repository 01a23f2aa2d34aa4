// Sequences and tables that the server refuses: all else of their database is restored, and they are named with what they leave behind.
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import type { Manifest } from '../manifest.ts';
import type { Reporter } from '../restore-report.ts';
import { binaryIdentifier, textOfBinary } from './binary-text.ts';
import { isForeignKey, parseCreateTable } from './create-table.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles, databasePath } from './layout.ts';
import type { Refused } from './make-tables.ts';
import type { SqlItem } from './sql-items.ts';

export interface LeftOut {
  /** The database's name in the backup. */
  readonly database: string;
  /** Sequences and tables of the backup. */
  readonly items: readonly SqlItem[];
  readonly refused: readonly Refused[];
}

/** Whether a table is not there. */
export const isLeftOut = ({ refused }: LeftOut, table: string): boolean =>
  refused.some(({ item }) => item.type === 'table' && item.name === table);

/** TARGET_FAILED when nothing was made, or nothing may be lacking since it takes the place of something that is whole. */
export const assertMayLack = ({ database, items, refused }: LeftOut, replaces: boolean): void => {
  const [first] = refused;
  if (first === undefined) return;
  if (refused.length === items.length) throw first.error;
  if (!replaces) return;
  throw new HoldfastError(
    'TARGET_FAILED',
    `${database} was left as it was: ${refused.map(({ error }) => error.message).join('; ')}`,
    { hint: 'restore under another name to have all else', cause: first.error },
  );
};

/** Each with its rows, and the foreign keys that refer to it. */
export const reportLeftOut = (
  { database, items, refused }: LeftOut,
  manifest: Manifest,
  reporter: Reporter,
): void => {
  for (const { item, error } of refused) {
    const captured = manifest.tables.find(({ name }) => name === plainName(database, item.name));
    const rows =
      captured && captured.rows > 0 ? `; its ${plural(captured.rows, 'row')} are in the snapshot only` : '';
    reporter.fail(
      `${databasePath(database)}/${databaseFiles.tables}`,
      new HoldfastError(error.code, `${error.message}${rows}`, { hint: error.hint, cause: error.cause }),
    );
    if (item.type !== 'table') continue;
    for (const key of keysTo(
      item.name,
      items.filter((each) => !refused.some((other) => other.item === each)),
    ))
      reporter.warn(key);
  }
};

const keysTo = (table: string, others: readonly SqlItem[]): string[] => {
  const reference = ` REFERENCES ${binaryIdentifier(table)} (`;
  return others.flatMap(({ type, name, statement }) =>
    (type === 'table' ? (parseCreateTable(statement)?.parts ?? []) : [])
      .filter((part) => isForeignKey(part) && part.includes(reference))
      .map(
        (part) =>
          `${name} refers to ${table}, which could not be restored: rows that need it are refused (${textOfBinary(part)})`,
      ),
  );
};
