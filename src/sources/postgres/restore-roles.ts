// Roles and tablespaces before a restore: what is missing is made, what is there is never changed.

import type { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { isServerError, serverMessage } from './server-error.ts';
import { lexSql } from './sql-lexer.ts';
import type { TargetServer } from './target-server.ts';

/** For the restore of a whole server: each role and tablespace that is missing, as it was. */
export const applyGlobals = async (target: TargetServer, sql: string, reporter: Reporter): Promise<void> => {
  const present = new Set([...target.roles, ...target.tablespaces]);
  for (const { text } of lexSql(sql)) {
    const subject = subjectOf(text);
    if (subject === undefined || present.has(subject)) continue;
    const statement = inWordsOf(text, target.admin.version);
    const error = await run(target.admin, statement);
    const others = statement.replace(grantor, ';');
    if (error && others !== statement && !(await run(target.admin, others)))
      reporter.warn(`restored as granted by the restoring role: ${statement}: ${error}`);
    else if (error) reporter.warn(`not restored: ${withoutSecret(text)}: ${error}`);
    else if (/^CREATE ROLE /.test(text)) target.roles.add(subject);
  }
  const spaces = await target.admin.query<{ name: string }>(
    'select spcname::text as name from pg_catalog.pg_tablespace',
  );
  for (const { name } of spaces) (target.tablespaces as Set<string>).add(name);
};

/** For a restore into a server that has its own roles: the missing ones that are needed, without login. With a comment, they can be found again. */
export const ensureRoles = async (
  target: TargetServer,
  roles: readonly string[],
  reporter: Reporter,
  comment?: string,
): Promise<void> => {
  for (const role of roles.filter((each) => !target.roles.has(each))) {
    const error = target.mayCreateRoles
      ? await run(target.admin, creation(role, comment))
      : 'creating roles is not allowed';
    if (error)
      reporter.warn(
        `role ${role} is missing and could not be made: ${error}; what it owned is the restoring role's`,
      );
    else {
      target.roles.add(role);
      reporter.warn(`role ${role} was missing: it was created without login`);
    }
  }
};

/** Both statements together, or neither. */
const creation = (role: string, comment: string | undefined): string => {
  const create = `create role ${quoteIdentifier(role)} nologin`;
  return comment === undefined
    ? create
    : `${create}; comment on role ${quoteIdentifier(role)} is ${quoteLiteral(comment)}`;
};

const run = async (admin: Connection, sql: string): Promise<string | undefined> => {
  try {
    await admin.query(sql);
    return undefined;
  } catch (error) {
    if (!isServerError(error) || !admin.usable) throw error;
    return serverMessage(error);
  }
};

const identifier = String.raw`("(?:[^"]|"")*"|[^\s";,]+)`;
const subjects = [
  new RegExp(`^(?:CREATE|ALTER|COMMENT ON) ROLE ${identifier}`),
  new RegExp(`^(?:CREATE|ALTER|COMMENT ON) TABLESPACE ${identifier}`),
  // Of a membership it is the member.
  new RegExp(`^GRANT .* TO ${identifier}`, 's'),
  new RegExp(`^REVOKE .* FROM ${identifier}`, 's'),
];

/** Before version 16, a grantor may have lost the right to grant, or be named before he gets it. */
const grantor = new RegExp(` GRANTED BY ${identifier};$`);

/**
 * A statement of pg_dumpall without what a new role is anyway, since only a superuser may say some of that, and without what
 * goes without saying before version 16.
 */
export const inWordsOf = (statement: string, version: number): string => {
  const said = statement.replace(attributes, (all) =>
    all.replaceAll(/ NO(?:SUPERUSER|CREATEROLE|CREATEDB|REPLICATION|BYPASSRLS)(?= |$)/g, ''),
  );
  if (version >= 160_000) return said;
  return said.replace(inheritance, '$1');
};

const attributes = new RegExp(`^ALTER ROLE ${identifier} WITH(?: [A-Z]+)+`);
const inheritance = new RegExp(
  `^(GRANT ${identifier} TO ${identifier}(?: WITH ADMIN OPTION)?)(?:,| WITH) INHERIT TRUE`,
);

/** Whom a statement of pg_dumpall is about; undefined for settings of the session. */
const subjectOf = (statement: string): string | undefined => {
  for (const pattern of subjects) {
    const name = pattern.exec(statement)?.[1];
    if (name !== undefined) return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
  }
  return undefined;
};

/** Even a hashed password is nothing for a message. */
const withoutSecret = (statement: string): string =>
  statement.replace(/PASSWORD '(?:[^']|'')*'/, 'PASSWORD …');
