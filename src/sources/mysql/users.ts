// Users, roles and what they are granted, as the server itself writes them.
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral } from './identifiers.ts';
import { isDenied, ServerError } from './server-error.ts';
import { type SqlItem, scriptOf } from './sql-items.ts';

interface Account {
  readonly user: string;
  readonly host: string;
  readonly isRole: boolean;
}

/** The server's own. */
const systemUsers = /^(?:mysql\.|mariadb\.sys$|PUBLIC$)/;

/** SOURCE_DENIED without the right to read the accounts: they were asked for. */
export const usersScript = async (connection: Connection, user: string): Promise<Buffer> => {
  try {
    return scriptOf('Users, roles and grants.', await userItems(connection));
  } catch (error) {
    if (!(error instanceof ServerError) || !isDenied(error)) throw error;
    throw new HoldfastError('SOURCE_DENIED', `${user} may not read the users: ${error.message}`, {
      hint: `grant select on mysql.* to ${user}, or leave \`users\` out`,
      cause: error,
    });
  }
};

const userItems = async (connection: Connection): Promise<SqlItem[]> => {
  const isMariadb = connection.version.engine === 'mariadb';
  const accounts = (await listAccounts(connection)).filter(({ user }) => !systemUsers.test(user));
  const items: SqlItem[] = [];
  for (const account of accounts)
    items.push(
      isMariadb && account.isRole
        ? { type: 'role', name: nameOf(account), statement: `CREATE ROLE ${nameOf(account)}` }
        : await createUser(connection, account),
    );
  for (const account of accounts) {
    const rows = await connection.queryBytes<Record<string, string>>(`show grants for ${nameOf(account)}`);
    const statements = rows.flatMap((row) => Object.values(row));
    for (const statement of statements)
      items.push({
        type: statement.startsWith('SET DEFAULT ROLE') ? 'default role' : 'grant',
        name: nameOf(account),
        statement,
      });
  }
  return items;
};

const listAccounts = async (connection: Connection): Promise<Account[]> => {
  const role = connection.version.engine === 'mariadb' ? "is_role = 'Y'" : 'false';
  const rows = await connection.query<{ user: string; host: string; role: string }>(
    `select user as user, host as host, ${role} as role from mysql.user order by 3 desc, 1, 2`,
  );
  return rows.map(({ user, host, role: isRole }) => ({ user, host, isRole: isRole === '1' }));
};

const createUser = async (connection: Connection, account: Account): Promise<SqlItem> => {
  const rows = await connection.queryBytes<Record<string, string>>(`show create user ${nameOf(account)}`);
  const [statement = ''] = rows.flatMap((row) => Object.values(row));
  return { type: 'user', name: nameOf(account), statement };
};

/** 'app'@'%'; a role of MariaDB has no host. */
const nameOf = ({ user, host, isRole }: Account): string =>
  isRole && host === '' ? quoteLiteral(user) : `${quoteLiteral(user)}@${quoteLiteral(host)}`;
