// Builders for the tests of SQL Server: a responder that knows the answers to what Holdfast asks, and keeps the rows that it is given.
import {
  type Answer,
  type Cell,
  type Refusal,
  type Session,
  startTdsResponder,
  type TdsResponder,
} from '../../../test/servers/tds-responder.ts';
import type { RestoreReport, RestoreTarget } from '../source.ts';
import { type CapturedEntry, capture, inPathOrder, intoEmpty, opener, replay } from '../testing.ts';
import type { Answers, Row } from './answers.ts';
import { type Assembled, assemble } from './assemble.ts';
import { databasesSql, type QuestionName, questions, versionSql } from './catalogue.ts';
import { tablePath } from './layout.ts';
import { sqlserver } from './sqlserver.ts';

/** A database as its catalogue tells it, with rows as they are selected, by 'dbo.orders'. */
export interface Blueprint {
  readonly catalogue: Readonly<Partial<Record<QuestionName, readonly Row[]>>>;
  readonly rows: Readonly<Record<string, readonly (readonly Cell[])[]>>;
}

export interface PlainDatabase {
  /** Until its tables are made, the catalogue has nothing to tell. */
  made: boolean;
  /** What it says that it received. */
  received?: string;
  /** Only owners are let in. */
  shut?: boolean;
  readonly rows: Map<string, (readonly Cell[])[]>;
}

export interface PlainServer extends AsyncDisposable {
  readonly responder: TdsResponder;
  readonly databases: Map<string, PlainDatabase>;
  /** Every batch that changed something, in order. */
  readonly executed: string[];
  /** Is asked first; undefined leaves it to the server. */
  interfere: (sql: string, session: Session) => Answer | undefined;
  url(database?: string): string;
}

export const password = 'a pass;word@ü';

/** A server with the blueprint as databases of these names, and with room for others. */
export const startPlainServer = async (
  blueprint: Blueprint,
  names: readonly string[],
  { bulk = true, refusal }: { readonly bulk?: boolean; readonly refusal?: Refusal } = {},
): Promise<PlainServer> => {
  const databases = new Map<string, PlainDatabase>(
    names.map((name) => [
      name,
      {
        made: true,
        rows: new Map(Object.entries(blueprint.rows).map(([table, rows]) => [table, [...rows]])),
      },
    ]),
  );
  const executed: string[] = [];
  const staged = new Map<string, (readonly Cell[])[]>();
  const world: World = { blueprint, databases, executed, staged };
  const server: Omit<PlainServer, 'responder' | keyof AsyncDisposable> = {
    databases,
    executed,
    interfere: () => undefined,
    url: (database = '') =>
      `sqlserver://sa:${encodeURIComponent(password)}@127.0.0.1:${responder.port}/${encodeURIComponent(database)}?encrypt=off`,
  };
  const responder = await startTdsResponder({
    logins: { sa: password },
    ...(refusal && { refusal }),
    knowsDatabase: (name) => name === 'master' || databases.has(name),
    answer: (sql, session) => server.interfere(sql, session) ?? answerOf(world, sql, session),
    ...(bulk && {
      bulk: (_table: string, rows: readonly (string | Buffer | null)[][], { database }: Session): Answer => {
        staged.set(database, [...(staged.get(database) ?? []), ...rows]);
        return { ok: true };
      },
    }),
  });
  return Object.assign(server, { responder, [Symbol.asyncDispose]: () => responder[Symbol.asyncDispose]() });
};

interface World {
  readonly blueprint: Blueprint;
  readonly databases: Map<string, PlainDatabase>;
  readonly executed: string[];
  readonly staged: Map<string, (readonly Cell[])[]>;
}

const ok: Answer = { ok: true };
const table = (columns: readonly string[], ...rows: readonly (readonly Cell[])[]): Answer => ({
  columns,
  rows,
});
const fromRows = (rows: readonly Row[]): Answer => {
  const columns = Object.keys(rows[0] ?? { none: null });
  return { columns, rows: rows.map((row) => columns.map((column) => (row[column] ?? null) as Cell)) };
};

const answerOf = (world: World, sql: string, { database }: Session): Answer => {
  const known =
    databasesAnswer(world, sql) ??
    receivedAnswer(world, sql, database) ??
    catalogueAnswer(world, sql, database) ??
    rowsAnswer(world, sql, database);
  if (known) return known;
  if (/^set |^SET LOCK_TIMEOUT/.test(sql)) return ok; // of the session
  world.executed.push(sql);
  const here = world.databases.get(database);
  if (here && /^CREATE TABLE \[/.test(sql)) here.made = true;
  if (
    /^(?:--.*\n)?(SET|BEGIN|COMMIT|CREATE|ALTER|DBCC|IF|DISABLE|EXEC|GRANT|DENY|SELECT NEXT VALUE)\b/.test(
      sql,
    )
  )
    return ok;
  return { error: { number: 102, message: `Incorrect syntax near ${sql.slice(0, 80)}` } };
};

const named = (sql: string, pattern: RegExp): string | undefined =>
  pattern.exec(sql)?.[1]?.replaceAll(']]', ']').replaceAll("''", "'");
const bracketed = String.raw`\[((?:[^\]]|\]\])+)\]`;

const databasesAnswer = ({ databases, executed }: World, sql: string): Answer | undefined => {
  if (sql === versionSql) return table(['version', 'banner', 'edition'], ['16.0.1000.6', 'A responder', '3']);
  if (/from sys\.databases where name = 'master'$/.test(sql)) return table(['collation'], ['French_CI_AS']);
  if (sql === 'select sysutcdatetime() as now') return table(['now'], ['2026-01-01']);
  if (/has_perms_by_name\(null/.test(sql)) return table(['may'], [1]);
  if (sql === databasesSql)
    return table(
      ['name', 'state', 'condition', 'access'],
      ...[...databases.keys()].map((name) => [name, 0, 'ONLINE', 1]),
    );
  if (/sp_getapplock/.test(sql)) return table(['outcome'], [0]);
  const asked = named(sql, /^select name from sys\.databases where name = N'((?:[^']|'')+)'$/)?.toLowerCase();
  if (asked !== undefined)
    return table(
      ['name'],
      ...[...databases.keys()].filter((name) => name.toLowerCase() === asked).map((name) => [name]),
    );
  if (sql === 'select name from sys.databases')
    return table(['name'], ...[...databases.keys()].map((name) => [name]));
  const looked = named(
    sql,
    /^select user_access as access from sys\.databases where name = N'((?:[^']|'')+)'$/,
  );
  if (looked !== undefined)
    return table(['access'], ...(databases.has(looked) ? [[databases.get(looked)?.shut ? 2 : 0]] : []));
  const [, whose, access] =
    new RegExp(`^ALTER DATABASE ${bracketed} SET (RESTRICTED|MULTI)_USER`).exec(sql) ?? [];
  const touched = databases.get(whose ?? '');
  if (touched) touched.shut = access === 'RESTRICTED';
  const sought = named(sql, /from sys\.databases where name = N'((?:[^']|'')+)'$/);
  if (sought !== undefined) return table(['found'], [databases.has(sought) ? 1 : 0]);
  const created = named(sql, new RegExp(`^CREATE DATABASE ${bracketed}`));
  if (created !== undefined) databases.set(created, { made: false, rows: new Map() });
  const dropped = named(sql, new RegExp(`^DROP DATABASE IF EXISTS ${bracketed}`));
  if (dropped !== undefined) databases.delete(dropped);
  const [, from, to] = new RegExp(`^ALTER DATABASE ${bracketed} MODIFY NAME = ${bracketed}`).exec(sql) ?? [];
  const moved = from === undefined ? undefined : databases.get(from);
  if (from !== undefined && to !== undefined && moved) {
    databases.delete(from);
    databases.set(to, moved);
  }
  if (created === undefined && dropped === undefined && moved === undefined) return undefined;
  executed.push(sql);
  return ok;
};

const receivedAnswer = ({ databases }: World, sql: string, database: string): Answer | undefined => {
  const here = databases.get(database);
  if (sql === `SELECT OBJECT_ID(N'holdfast.received', N'U') AS id`)
    return table(['id'], [here?.received === undefined ? null : 1]);
  if (sql === 'SELECT mark FROM holdfast.received') return table(['mark'], [here?.received ?? null]);
  const mark = /^INSERT INTO holdfast\.received \(mark\) VALUES \(N'(.+)'\)$/.exec(sql)?.[1];
  if (mark === undefined || here === undefined) return undefined;
  here.received = mark;
  return ok;
};

const catalogueAnswer = (
  { blueprint, databases }: World,
  sql: string,
  database: string,
): Answer | undefined => {
  const isMade = databases.get(database)?.made ?? false;
  const question = (Object.keys(questions) as QuestionName[]).find((name) => questions[name].sql === sql);
  const all = (name: QuestionName): readonly Row[] => blueprint.catalogue[name] ?? [];
  if (question === 'database') return fromRows(all('database').map((row) => ({ ...row, name: database })));
  if (question) return fromRows(isMade || question === 'types' ? all(question) : []);
  if (/from sys\.objects where is_ms_shipped = 0 and type in \('U'/.test(sql))
    return table(['found'], [isMade ? 1 : 0]);
  const object = /from sys\.columns where object_id = (\d+)/.exec(sql)?.[1];
  if (object !== undefined)
    return fromRows(
      all('columns')
        .filter((row) => row.object === Number(object))
        .map((row) => ({ ...row, width: row.maxLength })),
    );
  if (/count\(\*\) as tables/.test(sql)) return table(['tables'], [1]);
  if (/@@trancount/.test(sql)) return table(['open'], [1]);
  if (/has_perms_by_name\(db_name\(\)/.test(sql)) return table(['may'], [1]);
  if (/has_perms_by_name\(quotename/.test(sql))
    return fromRows(
      all('tables').map((row) => ({ schema: row.schema ?? null, name: row.name ?? null, may: 1 })),
    );
  const sought = named(sql, /^SELECT OBJECT_ID\(N'((?:[^']|'')+)', N'U'\)/);
  if (sought !== undefined)
    return table(
      ['id'],
      [isMade && all('tables').some((row) => `[${row.schema}].[${row.name}]` === sought) ? 1 : null],
    );
  if (/^SELECT SCHEMA_ID/.test(sql)) return table(['id'], [1]);
  return /from sys\.(foreign_keys f|triggers where parent_id)/.test(sql) ? fromRows([]) : undefined;
};

const rowsAnswer = (world: World, sql: string, database: string): Answer | undefined => {
  const { executed, staged } = world;
  const rows = world.databases.get(database)?.rows ?? new Map<string, (readonly Cell[])[]>();
  const name = (pattern: string): string | undefined => {
    const [, schema, table] = new RegExp(`${pattern}${bracketed}\\.${bracketed}`, 's').exec(sql) ?? [];
    return schema === undefined ? undefined : `${schema}.${table}`.replaceAll(']]', ']');
  };
  if (/^SELECT c0, c1 FROM #/.test(sql)) return table(['c0', 'c1'], ...(staged.get(database) ?? []));
  if (/^(CREATE|DROP|TRUNCATE) TABLE #/.test(sql)) {
    staged.delete(database);
    return ok;
  }
  const moved = / FROM #holdfast_rows$/.test(sql) ? name('^INSERT INTO ') : undefined;
  const inserted = moved ?? (sql.startsWith('INSERT INTO ') ? name('^INSERT INTO ') : undefined);
  if (inserted !== undefined) {
    executed.push(sql);
    const more = moved === undefined ? literalRows(sql) : (staged.get(database) ?? []);
    rows.set(inserted, [...(rows.get(inserted) ?? []), ...more]);
    return ok;
  }
  const counted = name('^SELECT COUNT(?:_BIG)?\\(\\*\\) AS found FROM (?:\\(SELECT TOP 1 1 AS one FROM )?');
  if (counted !== undefined) return table(['found'], [rows.get(counted)?.length ?? 0]);
  const deleted = name('^DELETE FROM ');
  if (deleted !== undefined) {
    executed.push(sql);
    rows.set(deleted, []);
    return ok;
  }
  const read = name('^SELECT .* FROM ');
  if (read === undefined || /^SELECT NEXT/.test(sql)) return undefined;
  const width = sql.split(/ AS c\d+/).length - 1 || 1;
  return { columns: Array.from({ length: width }, (_, at) => `c${at}`), rows: rows.get(read) ?? [] };
};

/** What stands for a row that came as an INSERT, to be told again as the same literals. */
const literalRows = (sql: string): Cell[][] =>
  sql.split(/(?<=;)\n(?=INSERT )/).map((line) => rowsByLine.get(valuesOf(line)) ?? [1]);

const valuesOf = (line: string): string => line.slice(line.indexOf(' VALUES ('));

/** Lines of a dump with the row that each was made of, so that a restored row can be read again. */
const rowsByLine = new Map<string, Cell[]>();

/** Remembers what the lines of a dump were made of; a responder cannot read expressions. */
export const rememberRows = (entries: readonly CapturedEntry[], blueprint: Blueprint): void => {
  for (const [name, rows] of Object.entries(blueprint.rows)) {
    const [schema = '', ...rest] = name.split('.');
    const folder = tablePath({ schema, name: rest.join('.') });
    const entry = entries.find(({ path }) => path.endsWith(`/${folder}/0000.sql`));
    const lines = Buffer.from(entry?.content ?? [])
      .toString('utf8')
      .split('\n');
    for (const [at, row] of rows.entries()) rowsByLine.set(valuesOf(lines[at] ?? ''), [...row]);
  }
};

/** What a blueprint's catalogue means, with other answers to some questions. */
export const assembledOf = (
  { catalogue }: Blueprint,
  more: Readonly<Record<string, readonly Row[]>> = {},
  isWanted: (name: string) => boolean = () => true,
): Assembled => {
  const names = Object.keys(questions) as QuestionName[];
  const rows = Object.fromEntries(names.map((name) => [name, more[name] ?? catalogue[name] ?? []]));
  const answers = { rows, failures: [], absent: [] } as unknown as Answers;
  return assemble(answers, {
    version: '16',
    wanted: ({ name }) => (isWanted(name) ? 'all' : 'nothing'),
  });
};

export const openSqlServer = opener(sqlserver);

export const dumpOf = async (config: Readonly<Record<string, unknown>>): Promise<CapturedEntry[]> => {
  await using source = await openSqlServer(config);
  return await capture(source);
};

/** Restores entries in the order in which a repository hands them out. */
export const restoreTo = async (
  config: Readonly<Record<string, unknown>>,
  entries: readonly CapturedEntry[],
  into: Partial<RestoreTarget> = {},
): Promise<RestoreReport> => {
  await using target = await openSqlServer(config);
  return await target.restore(replay(inPathOrder(entries)), { ...intoEmpty, ...into });
};
