// Views, routines, triggers and events: what a server runs. Their texts are kept as they were written.
import { HoldfastError } from '#lib/errors.ts';
import { binaryIdentifier } from './binary-text.ts';
import type { MysqlConfig } from './config.ts';
import type { Connection } from './connect.ts';
import { plainName, quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import { itemError } from './item-error.ts';
import { wantedOf } from './patterns.ts';
import type { ItemSession, SqlItem } from './sql-items.ts';
import type { Failure } from './tables.ts';
import { triggerHere } from './trigger-text.ts';
import { inOneCharset } from './written-names.ts';

export interface Programs {
  /** In an order in which they can be made. */
  readonly items: readonly SqlItem[];
  readonly failures: readonly Failure[];
}

export interface ProgramsRequest {
  readonly connection: Connection;
  readonly config: MysqlConfig;
  readonly user: string;
  readonly database: string;
  readonly views: readonly string[];
}

type Type = 'package' | 'package body' | 'function' | 'procedure' | 'view' | 'trigger' | 'event';

interface Program {
  readonly type: Type;
  readonly name: string;
  readonly table?: string;
}

export const readPrograms = async (request: ProgramsRequest): Promise<Programs> => {
  const { connection, config, database, user, views } = request;
  const listed: Program[] = [
    ...(config.routines ? await listRoutines(connection, database) : []),
    ...views.map((name): Program => ({ type: 'view', name })),
    ...(config.triggers ? await listTriggers(request) : []),
    ...(config.events ? await listEvents(connection, database) : []),
  ];
  const items: SqlItem[] = [];
  const failures: Failure[] = [];
  if (listed.length > 0) await connection.run(`use ${quoteIdentifier(database)}`); // else views name it in every place
  const [own] = await connection.query<{ collation: string }>('select @@collation_database as collation');
  const collation = own?.collation ?? '';
  for (const program of listed)
    try {
      items.push(await readProgram(connection, database, program, collation));
    } catch (error) {
      const label = `${program.type} ${plainName(database, program.name)}`;
      const failure = itemError(error, label, user);
      if (!(failure instanceof HoldfastError) || failure.kind.item !== true) throw error;
      failures.push({ type: program.type, name: program.name, error: failure });
    }
  return { items: viewsInOrder(items), failures };
};

const routineOrder: readonly Type[] = ['package', 'package body', 'function', 'procedure'];

const listRoutines = async (connection: Connection, database: string): Promise<Program[]> => {
  const rows = await connection.query<{ db: string; name: string; type: string }>(
    `select routine_schema as db, routine_name as name, routine_type as type
      from information_schema.routines where routine_schema = ${quoteLiteral(database)} order by 2`,
  );
  const own = rows.filter(({ db }) => db === database);
  return routineOrder.flatMap((type) =>
    own.filter((row) => row.type.toLowerCase() === type).map(({ name }) => ({ type, name })),
  );
};

const listTriggers = async ({ connection, config, database }: ProgramsRequest): Promise<Program[]> => {
  const rows = await connection.query<{ db: string; name: string; table: string }>(
    `select trigger_schema as db, trigger_name as name, event_object_table as \`table\`
      from information_schema.triggers where trigger_schema = ${quoteLiteral(database)}
      order by event_object_table, action_timing, event_manipulation, action_order`,
  );
  return rows
    .filter(({ db, table }) => db === database && wantedOf(config, database, table) !== 'nothing')
    .map(({ name, table }) => ({ type: 'trigger', name, table }));
};

const listEvents = async (connection: Connection, database: string): Promise<Program[]> => {
  const rows = await connection.query<{ db: string; name: string }>(
    `select event_schema as db, event_name as name from information_schema.events
      where event_schema = ${quoteLiteral(database)} order by 2`,
  );
  return rows.filter(({ db }) => db === database).map(({ name }) => ({ type: 'event', name }));
};

/** Where SHOW CREATE has the statement. */
const statementColumn: Readonly<Record<Type, string>> = {
  package: 'Create Package',
  'package body': 'Create Package Body',
  function: 'Create Function',
  procedure: 'Create Procedure',
  view: 'Create View',
  trigger: 'SQL Original Statement',
  event: 'Create Event',
};

const readProgram = async (
  connection: Connection,
  database: string,
  { type, name, table }: Program,
  collation: string,
): Promise<SqlItem> => {
  const quoted = quoteName(database, name);
  if (type === 'view') await connection.query(`show columns from ${quoted}`); // an error for one that is broken
  const [row = {}] = await connection.queryBytes<Readonly<Record<string, string | null>>>(
    `show create ${type} ${quoted}`,
  );
  const statement = row[statementColumn[type]];
  if (!statement)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `the text of ${type} ${plainName(database, name)} may not be read`,
      {
        hint:
          connection.version.engine === 'mariadb'
            ? 'grant select on mysql.proc, or show create routine on *.* where the server knows it'
            : 'grant show_routine on *.*',
      },
    );
  return await inOneCharset(connection, {
    type,
    name,
    ...(table !== undefined && { table }),
    session: sessionOf(row, collation),
    statement: type === 'trigger' ? triggerHere(statement) : statement,
  });
};

const sessionOf = (row: Readonly<Record<string, string | null>>, now: string): ItemSession => {
  const written = row['Database Collation'] ?? now;
  return {
    sqlMode: row.sql_mode ?? '',
    charset: row.character_set_client ?? 'utf8mb4',
    collation: row.collation_connection ?? 'utf8mb4_general_ci',
    ...(row.time_zone && { timeZone: row.time_zone }),
    ...(written !== now && { databaseCollation: { written, now } }),
  };
};

/** Each view after those it looks at. A view that seems to look at itself in a circle comes as it may. */
const viewsInOrder = (items: readonly SqlItem[]): SqlItem[] => {
  const views = items.filter(({ type }) => type === 'view');
  const placed = new Set<SqlItem>();
  const ordered: SqlItem[] = [];
  const place = (view: SqlItem): void => {
    if (placed.has(view)) return;
    placed.add(view);
    for (const other of views) if (looksAt(view, other)) place(other);
    ordered.push(view);
  };
  for (const view of views) place(view);
  const first = items.findIndex(({ type }) => type === 'view');
  const others = items.filter(({ type }) => type !== 'view');
  return first === -1 ? [...items] : others.toSpliced(first, 0, ...ordered);
};

/** The server writes every table of a view after `from` or `join`, in quotes. */
const looksAt = ({ statement }: SqlItem, { name }: SqlItem): boolean => {
  const quoted = binaryIdentifier(name);
  for (let at = statement.indexOf(quoted); at !== -1; at = statement.indexOf(quoted, at + 1))
    if (/(?:from|join)[\s(]*(?:`(?:[^`]|``)*`\.)?$/i.test(statement.slice(Math.max(0, at - 300), at)))
      return true;
  return false;
};
