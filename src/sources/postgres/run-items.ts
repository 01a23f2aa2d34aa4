// Executes what pg_dump wrote, by the driver and never by psql: a backup from an untrusted server could hold commands of psql.
import { HoldfastError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { searchPathSql } from './row-places.ts';
import { isServerError, serverMessage, state } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

export interface ItemRunner {
  /** TARGET_FAILED when a statement fails that matters. Owners and privileges that cannot be set are told as warnings. */
  run(connection: Connection, item: SqlItem, mode?: RunMode): Promise<void>;
  /** The same for many, one after the other; what fails is told and the rest goes on. */
  runAll(
    connection: Connection,
    items: readonly SqlItem[],
    onFailure: (item: SqlItem, error: unknown) => void,
    mode?: RunMode,
  ): Promise<void>;
}

/**
 * A distant server has one answer to wait for instead of so many; each table of theirs is locked until then. And in a transaction
 * with thousands of tables a savepoint takes a server some milliseconds.
 */
const atOnce = 50;

/** Within a transaction there are savepoints, so that what is tried in vain leaves no mark. */
export type RunMode = 'autocommit' | 'transaction';

export interface RunnerOptions {
  readonly reporter: Reporter;
  readonly tablespaces: ReadonlySet<string>;
  /** For a second try where functions name things without a schema. */
  readonly searchPathOf?: (item: SqlItem) => string;
}

export const createRunner = ({ reporter, tablespaces, searchPathOf }: RunnerOptions): ItemRunner => {
  const settingsFor = (item: SqlItem): string[] =>
    item.settings.filter((setting) => {
      const name = /^set\s+default_tablespace\s*=\s*"?([^";]+)"?;$/i.exec(setting)?.[1];
      if (name === undefined || name === "''" || tablespaces.has(name)) return true;
      reporter.warn(`there is no tablespace ${name}: its tables and indexes are in the default one`);
      return false;
    });
  const runner: ItemRunner = {
    async run(connection, item, mode = 'autocommit') {
      const settings = settingsFor(item);
      const outcome = await attempt(connection, [...settings, ...item.statements].join('\n'), mode);
      if (outcome === 'done') return;
      const path = isUnnamed.has(outcome.code) ? searchPathOf?.(item) : undefined;
      if (path !== undefined) {
        const there = [searchPathSql(path), ...settings, ...item.statements, searchPathSql('')];
        if ((await attempt(connection, there.join('\n'), mode)) === 'done') return;
      }
      if (!item.statements.some(isDecoration)) throw itemFailure(item, outcome);
      for (const statement of item.statements) {
        const each = await attempt(connection, [...settings, statement].join('\n'), mode);
        if (each === 'done') continue;
        const known = withoutMaintain(statement);
        if (known !== statement && (await attempt(connection, known, mode)) === 'done') {
          reporter.warn(`without MAINTAIN, which the server does not know: ${firstLine(statement)}`);
          continue;
        }
        if (!mayBeLeft(statement, each.code)) throw itemFailure(item, each);
        reporter.warn(`left as it is: ${firstLine(statement)}: ${each.message}`);
      }
    },
    async runAll(connection, items, onFailure, mode = 'autocommit') {
      for (let at = 0; at < items.length; at += atOnce) {
        const some = items.slice(at, at + atOnce);
        const statements = some.flatMap((item) => [...settingsFor(item), ...item.statements]);
        if ((await attempt(connection, statements.join('\n'), mode)) === 'done') continue;
        for (const item of some)
          await runner.run(connection, item, mode).catch((error) => onFailure(item, error));
      }
    },
  };
  return runner;
};

type Refusal = Error & { readonly code: string; readonly hint?: string };

/** All statements or none; the server's refusal as a value. */
const attempt = async (connection: Connection, sql: string, mode: RunMode): Promise<'done' | Refusal> => {
  const inTransaction = mode === 'transaction';
  try {
    await connection.query(
      inTransaction ? `savepoint holdfast_item; ${sql}\n; release savepoint holdfast_item` : sql,
    );
    return 'done';
  } catch (error) {
    if (!isServerError(error) || !connection.usable) throw error;
    if (inTransaction)
      await connection.query('rollback to savepoint holdfast_item; release savepoint holdfast_item');
    return error;
  }
};

/** Owners, privileges, comments on what belongs to the server: the data is whole without them. */
export const isDecoration = (statement: string): boolean =>
  /^ALTER [^;]* OWNER TO [^;]*;$/s.test(statement) ||
  /^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|SECURITY LABEL|COMMENT ON (EXTENSION|DATABASE))\s/.test(statement);

/** A list of privileges as servers before version 17 have them. */
const withoutMaintain = (statement: string): string =>
  statement.replace(/^([^;"]*\b(?:GRANT|REVOKE) )([A-Z,]+) ON /, (_, head: string, list: string) => {
    const kept = list.split(',').filter((each) => each !== 'MAINTAIN');
    return `${head}${kept.join(',')} ON `;
  });

/** For these, servers since version 17 let functions find what they name without a schema in none of the database's. */
const computes = new Set(['INDEX', 'CONSTRAINT', 'MATERIALIZED VIEW DATA']);

/** A function or a relation that was named and is not there. */
const isUnnamed = new Set<string>([state.undefinedFunction, state.undefinedTable]);

const mayBeLeft = (statement: string, code: string): boolean =>
  isDecoration(statement) && (mayBeLacking.has(code) || (isPrivilege.test(statement) && isAbsent.has(code)));

/** Also privileges that only later versions know. */
const mayBeLacking = new Set<string>([state.insufficientPrivilege, state.undefinedObject, state.syntaxError]);

const isPrivilege = /^(GRANT|REVOKE)\s/;

/** What belonged to an extension, and does not where that has another version or was changed by hand. */
const isAbsent = new Set<string>([...isUnnamed, state.undefinedSchema, state.undefinedColumn]);

export const itemFailure = ({ type, name, schema }: SqlItem, error: Refusal): HoldfastError => {
  const where = schema === '-' || schema === '' ? name : `${schema}.${name}`;
  return new HoldfastError(
    'TARGET_FAILED',
    `${type.toLowerCase()} ${where} could not be restored: ${serverMessage(error)}`,
    {
      hint: hintFor(type, error),
      cause: error,
    },
  );
};

const hintFor = (type: string, { code, hint }: Refusal): string | undefined => {
  if (type === 'EXTENSION' && isNotInstalled.has(code))
    return 'install the package that brings the extension on the server';
  if (code === state.insufficientPrivilege) return 'restore as a superuser, or grant what is missing';
  if (isUnnamed.has(code) && computes.has(type))
    return 'name it with its schema in the function that needs it, or alter that function to set search_path: since version 17 it does not have the database’s';
  return hint?.replaceAll(/\s*\n\s*/g, ' ');
};

/** Before version 13 it was the file that was said to be missing. */
const isNotInstalled = new Set<string>([state.featureNotSupported, state.undefinedFile]);

const firstLine = (statement: string): string => statement.split('\n')[0] ?? statement;
