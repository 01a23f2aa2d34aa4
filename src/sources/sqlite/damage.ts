// What SQLite's own checks say of a table, told apart into damage and remarks.
import type { DatabaseSync } from 'node:sqlite';
import { messageOf } from '#lib/errors.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import { foldName } from './identifiers.ts';
import { all } from './query.ts';

export interface Damage {
  /** Pages or rows are not what they should be: what is read may be wrong or incomplete. */
  readonly damage: readonly string[];
  /** Rows break rules that the schema sets, or the check could not be made; the rows themselves can be read. */
  readonly remarks: readonly string[];
}

/** PRAGMA quick_check: all pages and rows, but of indexes only whether they have as many entries as there are rows. */
export const damageIn = (db: DatabaseSync, table: string): Damage => runCheck(db, 'quick_check', table);

/** PRAGMA integrity_check of a table: indexes as well. */
export const integrityOf = (db: DatabaseSync, table: string): Damage =>
  runCheck(db, 'integrity_check', table);

/** The same of the whole file. What virtual tables keep is as it was dumped, so what they say of it is a remark. */
export const integrityOfFile = (db: DatabaseSync): Damage => {
  const whole = runCheck(db, 'integrity_check', undefined);
  const tables = all<{ name: string; type: string }>(
    db,
    "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'view'",
  );
  const virtual = tables.filter(({ type }) => type === 'virtual');
  if (whole.damage.length === 0 || virtual.length === 0) return whole;
  // One by one: a virtual table may end the check of all, or say the hundred things that SQLite shows at most.
  const checks = tables.filter((each) => !virtual.includes(each)).map(({ name }) => integrityOf(db, name));
  return {
    damage: checks.flatMap(({ damage }) => damage),
    remarks: [
      ...checks.flatMap(({ remarks }) => remarks),
      ...virtual.flatMap(({ name }) => saidBy(db, name)),
    ],
  };
};

/** What a virtual table's own check says of what it keeps. */
const saidBy = (db: DatabaseSync, virtualTable: string): string[] => {
  const { damage, remarks } = integrityOf(db, virtualTable);
  const messages = [...damage, ...remarks];
  return messages.length === 0 ? [] : [`virtual table ${virtualTable}: ${firstOf(messages)}`];
};

/** As many as anybody reads. */
export const firstOf = (messages: readonly string[]): string => {
  const more = messages.length - mostShown;
  return [...messages.slice(0, mostShown), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
};

const mostShown = 3;

/** Rows of, or referring to, these tables whose counterpart is not there. Constraints were off while they were loaded. */
export const foreignKeyWarnings = (
  db: DatabaseSync,
  tables: readonly { readonly name: string }[],
): string[] => {
  const concerned = new Set(tables.map(({ name }) => foldName(name)));
  try {
    return all<{ table: string; parent: string; rows: number }>(
      db,
      'SELECT "table", parent, count(*) AS rows FROM pragma_foreign_key_check GROUP BY 1, 2',
    )
      .filter(({ table, parent }) => concerned.has(foldName(table)) || concerned.has(foldName(parent)))
      .map(
        ({ table, parent, rows }) => `${rows} rows of ${table} refer to rows of ${parent} that are not there`,
      );
  } catch (error) {
    return [`foreign keys cannot be checked: ${messageOf(error)}`];
  }
};

/** What helps against damage. */
export const damageHint = (damage: readonly string[], path: string): string =>
  damage.length > 0 && damage.every((message) => message.startsWith('wrong # of entries in index '))
    ? 'its rows can be read, but not as many are in an index: see whether some are gone, let "REINDEX" make the index anew, and back up again'
    : `see "PRAGMA integrity_check"; what is left can be rescued with "sqlite3 ${path} .recover"`;

const runCheck = (db: DatabaseSync, check: string, table: string | undefined): Damage => {
  try {
    const messages = runPragma(db, check, table);
    return {
      damage: messages.filter((message) => !isRemark(message)),
      remarks: messages.filter(isRemark),
    };
  } catch (error) {
    // A function or collation of the application, which we lack, is no sign of damage.
    if (sqliteCode(error) !== resultCode.error) return { damage: [messageOf(error)], remarks: [] };
    return { damage: [], remarks: [`${check} cannot be made: ${messageOf(error)}`] };
  }
};

const runPragma = (db: DatabaseSync, check: string, table: string | undefined): string[] => {
  // A name that is a number would be taken for the number of messages wanted.
  const named = table !== undefined && !/^[-+]?\d+$/.test(table);
  const rows = named
    ? all<Record<string, string>>(db, `SELECT * FROM pragma_${check}(?)`, table)
    : all<Record<string, string>>(db, `PRAGMA ${check}`);
  return rows
    .flatMap((row) => (Object.values(row)[0] as string).split('\n'))
    .filter((message) => message !== 'ok' && !/^\*\*\* in database .* \*\*\*$/.test(message));
};

const isRemark = (message: string): boolean => breaksRule.test(message);

/** Of a constraint that came after the rows, or was off when they came. */
const breaksRule =
  /^(CHECK constraint failed in|NULL value in|non-\w+ value in|NUMERIC value in|TEXT value in) /;
