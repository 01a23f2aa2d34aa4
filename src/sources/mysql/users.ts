// Users, roles and what they are granted, as the server itself writes them.
import { HoldfastError } from '#lib/errors.ts';
import type { Log } from '#lib/log.ts';
import { binaryOf } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral } from './identifiers.ts';
import { errno, errnoOf, isDenied, ServerError } from './server-error.ts';
import { type SqlItem, scriptOf } from './sql-items.ts';

interface Account {
  readonly user: string;
  readonly host: string;
  readonly isRole: boolean;
}

/** The server's own. */
const systemUsers = /^(?:mysql\.|mariadb\.sys$)/;

/** SOURCE_DENIED without the right to read the accounts: they were asked for. */
export const usersScript = async (connection: Connection, user: string, log: Log): Promise<Buffer> => {
  try {
    return scriptOf('Users, roles and grants.', await userItems(connection, log));
  } catch (error) {
    if (!(error instanceof ServerError) || !isDenied(error)) throw error;
    throw new HoldfastError('SOURCE_DENIED', `${user} may not read the users: ${error.message}`, {
      hint: `grant select on mysql.* to ${user}, or leave \`users\` out`,
      cause: error,
    });
  }
};

/** All accounts come before all grants: one may be granted to another. */
const userItems = async (connection: Connection, log: Log): Promise<SqlItem[]> => {
  const accounts: SqlItem[] = [];
  const grants: SqlItem[] = [];
  const rules: SqlItem[] = [];
  for (const account of await listAccounts(connection)) {
    if (systemUsers.test(account.user)) continue;
    try {
      const own = await grantsOf(connection, account);
      const [creation, ...further] = await accountItems(connection, account);
      if (creation) accounts.push(creation);
      grants.push(...own);
      rules.push(...further);
    } catch (error) {
      if (errnoOf(error) !== errno.noSuchUser && errnoOf(error) !== errno.noSuchGrant) throw error;
      log.warn(`user ${nameOf(account)} is not in force on the server, and was left out`);
    }
  }
  // A grant of MariaDB says the password again, which would take an expired one for new.
  return [...accounts, ...grants, ...rules];
};

/** What makes it, and what MariaDB says of its password in statements of its own. */
const accountItems = async (connection: Connection, account: Account): Promise<SqlItem[]> => {
  const name = nameOf(account);
  if (isEverybody(account)) return [];
  if (account.isRole) return [{ type: 'role', name, statement: `CREATE ROLE ${binaryOf(name)}` }];
  const rows = await connection.queryBytes<Record<string, string>>(`show create user ${name}`);
  const [statement = '', ...rules] = rows.flatMap((row) => Object.values(row));
  if (connection.version.engine === 'mariadb' && statement.endsWith(' PASSWORD EXPIRE'))
    rules.push(`ALTER USER ${binaryOf(name)} PASSWORD EXPIRE`);
  return [
    { type: 'user', name, statement },
    ...rules.map((rule) => ({ type: 'password rule' as const, name, statement: rule })),
  ];
};

const grantsOf = async (connection: Connection, account: Account): Promise<SqlItem[]> => {
  const name = nameOf(account);
  const rows = await connection.queryBytes<Record<string, string>>(`show grants for ${name}`);
  return rows
    .flatMap((row) => Object.values(row))
    .map((statement) => ({
      type: statement.startsWith('SET DEFAULT ROLE') ? 'default role' : 'grant',
      name,
      statement,
    }));
};

const listAccounts = async (connection: Connection): Promise<Account[]> => {
  const role = connection.version.engine === 'mariadb' ? "is_role = 'Y'" : 'false';
  const rows = await connection.query<{ user: string; host: string; role: string }>(
    `select user as user, host as host, ${role} as role from mysql.user order by 3 desc, 1, 2`,
  );
  return rows.map(({ user, host, role: isRole }) => ({ user, host, isRole: isRole === '1' }));
};

/** MariaDB's PUBLIC is a role that is always there. */
const isEverybody = ({ user, host, isRole }: Account): boolean => isRole && host === '' && user === 'PUBLIC';

/** 'app'@'%'; a role of MariaDB has no host. */
const nameOf = (account: Account): string => {
  const { user, host, isRole } = account;
  if (isEverybody(account)) return user;
  return isRole && host === '' ? quoteLiteral(user) : `${quoteLiteral(user)}@${quoteLiteral(host)}`;
};
