// The rights that a backup needs. Without some of them the server does not refuse: it shows nothing, as if nothing were there.
import type { MysqlConfig } from './config.ts';
import type { Connection } from './connect.ts';
import { isDenied, ServerError } from './server-error.ts';

/** What the user may, anywhere or in one database. */
export interface Rights {
  may(right: string, database?: string): boolean;
}

export const readRights = async (connection: Connection): Promise<Rights> => {
  const lines = await grantLines(connection);
  const everywhere = new Set<string>();
  const inDatabase: { readonly pattern: RegExp; readonly rights: ReadonlySet<string> }[] = [];
  for (const line of lines) {
    const match = /^GRANT (.*?) ON (?:\*|(`(?:[^`]|``)*`|[^.\s]+))\.\* TO /.exec(line);
    if (!match) continue;
    const [, list = '', database] = match;
    const rights = new Set(list.split(',').map((right) => right.trim().toUpperCase()));
    if (database === undefined) for (const right of rights) everywhere.add(right);
    else inDatabase.push({ pattern: databasePattern(database), rights });
  }
  const has = (rights: ReadonlySet<string>, right: string): boolean =>
    rights.has(right) || rights.has('ALL PRIVILEGES') || rights.has('ALL');
  return {
    may: (right, database) =>
      has(everywhere, right) ||
      (database !== undefined &&
        inDatabase.some(({ pattern, rights }) => pattern.test(database) && has(rights, right))),
  };
};

/** Those of the roles that are active belong to it. MariaDB shows them by itself. */
const grantLines = async (connection: Connection): Promise<string[]> => {
  const lines = async (sql: string): Promise<string[]> =>
    (await connection.query<Record<string, string>>(sql)).flatMap((row) => Object.values(row));
  if (connection.version.engine === 'mariadb') return await lines('show grants');
  const [row] = await connection.query<{ roles: string }>('select current_role() as roles');
  const using = row && row.roles !== 'NONE' ? ` for current_user() using ${row.roles}` : '';
  return await lines(`show grants${using}`);
};

/** In grants, '_' and '%' stand for characters unless a backslash precedes them. */
const databasePattern = (quoted: string): RegExp => {
  const name = quoted.replace(/^`(.*)`$/s, '$1').replaceAll('``', '`');
  const source = name.replaceAll(/\\([_%])|([_%])|([\\^$.|+*?()[\]{}])/g, (_, literal, wild, special) =>
    literal !== undefined ? literal : wild !== undefined ? (wild === '_' ? '.' : '.*') : `\\${special}`,
  );
  return new RegExp(`^${source}$`, 's');
};

export interface MissingRight {
  /** What is hidden: 'triggers'. */
  readonly hidden: string;
  readonly grant: string;
}

/** What of a database would be hidden, and the grant that shows it. */
export const missingRights = async (
  connection: Connection,
  rights: Rights,
  config: MysqlConfig,
  database: string,
): Promise<MissingRight[]> => {
  const missing: MissingRight[] = [];
  const need = (hidden: string, right: string): void => {
    if (!rights.may(right, database))
      missing.push({ hidden, grant: `grant ${right.toLowerCase()} on \`${database}\`.*` });
  };
  if (config.tables === undefined) need('tables', 'SELECT');
  if (config.triggers) need('triggers', 'TRIGGER');
  if (config.events) need('events', 'EVENT');
  if (config.routines && !(await seesRoutines(connection, rights))) missing.push(routinesRight(connection));
  return missing;
};

const routinesRight = ({ version }: Connection): MissingRight => ({
  hidden: 'routines',
  grant: version.engine === 'mariadb' ? 'grant select on mysql.proc' : 'grant show_routine on *.*',
});

const seesRoutines = async (connection: Connection, rights: Rights): Promise<boolean> => {
  if (connection.version.engine === 'mysql') return rights.may('SELECT') || rights.may('SHOW_ROUTINE');
  if (rights.may('SELECT') || rights.may('SHOW CREATE ROUTINE')) return true;
  try {
    await connection.query('select 1 from mysql.proc limit 1');
    return true;
  } catch (error) {
    if (error instanceof ServerError && isDenied(error)) return false;
    throw error;
  }
};
