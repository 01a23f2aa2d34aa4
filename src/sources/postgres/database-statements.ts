// 00-database.sql for a database of another name, or on a server that has or understands less.
import { quoteIdentifier } from './identifiers.ts';
import { lexSql } from './sql-lexer.ts';

const identifier = String.raw`(?:"(?:[^"]|"")*"|[^\s";]+)`;

/** The statement that creates, and those that set what the database has under its name. */
export const databaseStatements = (
  sql: string,
): { readonly create: string; readonly properties: readonly string[] } => {
  const statements = [...lexSql(sql)].map(({ text }) => text);
  const [create = ''] = statements.filter((text) => text.startsWith('CREATE DATABASE '));
  return { create, properties: statements.filter((text) => text !== create) };
};

export interface CreateOptions {
  readonly name: string;
  /** Of the server, as 150004 for 15.4. */
  readonly version: number;
  readonly tablespaces: ReadonlySet<string>;
}

/** `CREATE DATABASE shop WITH …` with another name, without a tablespace that is not there, and in the words of the server's version. */
export const createStatement = (statement: string, { name, version, tablespaces }: CreateOptions): string => {
  const [, , options = ''] = creation.exec(statement) ?? [];
  const known = knownOptions(options, version);
  const kept = known.replace(new RegExp(` TABLESPACE = (${identifier})`), (all, space: string) =>
    tablespaces.has(space.replace(/^"(.*)"$/, '$1')) ? all : '',
  );
  return `create database ${quoteIdentifier(name)}${kept || ' with template = template0'}`;
};

/** A statement that a newer pg_dump wrote, as a server of this version takes it. */
export const statementFor = (statement: string, version: number): string =>
  statement.replace(creation, (_, head: string, options = '') => `${head}${knownOptions(options, version)};`);

const creation = new RegExp(`^(CREATE DATABASE ${identifier})( WITH .*)?;$`, 's');

const knownOptions = (options: string, version: number): string => {
  const known = version < 150_000 ? options.replace(' LOCALE_PROVIDER = libc', '') : options;
  return version < 130_000
    ? known.replace(/ LOCALE = ('(?:[^']|'')*')/, ' LC_COLLATE = $1 LC_CTYPE = $1')
    : known;
};

/** A statement about the database, for one of another name. */
export const renamedProperty = (statement: string, name: string): string =>
  statement.replace(
    new RegExp(
      `^((?:ALTER|COMMENT ON|GRANT [^;"]*? ON|REVOKE [^;"]*? ON|SECURITY LABEL FOR \\S+ ON|ALTER ROLE ${identifier} IN) DATABASE )${identifier}`,
      's',
    ),
    (_, head: string) => head + quoteIdentifier(name),
  );
