// Executes definitions of a backup, each statement alone: the session takes no second one, whatever a backup holds.
import { HoldfastError } from '#lib/errors.ts';
import type { Reporter } from '../restore-report.ts';
import { bytesOf } from './binary-text.ts';
import { withKnownCollations } from './collations.ts';
import type { Connection } from './connect.ts';
import { plainName, quoteLiteral } from './identifiers.ts';
import { databaseInUse } from './listing.ts';
import type { Done } from './packets.ts';
import { errno, errnoOf, isDenied, ServerError } from './server-error.ts';
import type { ItemSession, SqlItem } from './sql-items.ts';
import { isStaging } from './target-server.ts';
import { namesItsDatabase, triggerHere } from './trigger-text.ts';
import type { Version } from './version.ts';

/** What a definition must begin with to be taken for one. */
const beginnings: Readonly<Record<SqlItem['type'], RegExp>> = {
  database: /^CREATE DATABASE /,
  user: /^CREATE USER /,
  role: /^CREATE ROLE /,
  'default role': /^SET DEFAULT ROLE /,
  grant: /^(?:GRANT|REVOKE) /,
  'password rule': /^ALTER USER /,
  sequence: /^CREATE SEQUENCE /,
  table: /^CREATE TABLE /,
  package: /^CREATE .*?\bPACKAGE\b/is,
  'package body': /^CREATE .*?\bPACKAGE BODY\b/is,
  function: /^CREATE .*?\bFUNCTION\b/is,
  procedure: /^CREATE .*?\bPROCEDURE\b/is,
  view: /^CREATE .*?\bVIEW\b/is,
  trigger: /^CREATE .*?\bTRIGGER\b/is,
  event: /^CREATE .*?\bEVENT\b/is,
};

/** TARGET_FAILED when the server refuses it. Somebody who may not act for its definer becomes the definer, with a warning. */
export const runItem = async (connection: Connection, given: SqlItem, reporter: Reporter): Promise<void> => {
  const item = given.type === 'trigger' ? { ...given, statement: triggerHere(given.statement) } : given;
  if (item.type === 'trigger' && namesItsDatabase(item.statement))
    throw failed(item, 'it would be made in the database that it names');
  if (!beginnings[item.type].test(item.statement)) throw failed(item, 'its statement is of another kind');
  const run = (statement: string): Promise<Done> =>
    withKnownCollations(
      statement,
      (known) => connection.run(bytesOf(known)),
      (text) => reporter.warn(text),
    );
  try {
    if (item.session) await run(sessionSql(item.session, connection.version.engine));
    const { warnings } = await run(item.statement);
    if (warnings > 0) await tellOfChanges(connection, item, reporter);
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const own = withoutDefiner(item.statement);
    if (own === item.statement || !mayNotDefine(error)) throw failed(item, error.message, error);
    await runAsOwn(item, () => run(own));
    reporter.warn(`${item.type} ${item.name} now belongs to the restoring user: ${error.message}`);
  }
};

/** Of another engine in the place of one that the server lacks, and of an event whose time has passed: it is gone, or off. */
const changes = new Set(['1286', '1544', '1588']);

const tellOfChanges = async (connection: Connection, item: SqlItem, reporter: Reporter): Promise<void> => {
  const warnings = await connection.query<{ Code: string; Message: string }>('show warnings');
  const told = warnings.filter(({ Code }) => changes.has(Code));
  if (told.length === 0) return;
  const database = await databaseInUse(connection);
  const name = isStaging(database) ? item.name : plainName(database, item.name);
  for (const { Message } of told) reporter.warn(`${item.type} ${name} is not as it was: ${Message}`);
};

const runAsOwn = async (item: SqlItem, run: () => Promise<Done>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    throw error instanceof ServerError ? failed(item, error.message, error) : error;
  }
};

const sessionSql = (
  { sqlMode, charset, collation, timeZone = '+00:00' }: ItemSession,
  engine: Version['engine'],
): string =>
  `set sql_mode = ${quoteLiteral(knownMode(sqlMode, engine))}, character_set_client = ${charset}, collation_connection = ${collation}, time_zone = ${quoteLiteral(timeZone)}, sql_notes = 1`;

/** Without modes that MySQL has no longer, and that mean nothing to what is stored. Others make a routine mean something else. */
const knownMode = (sqlMode: string, engine: Version['engine']): string =>
  engine === 'mysql'
    ? sqlMode
        .split(',')
        .filter((mode) => !gone.has(mode))
        .join(',')
    : sqlMode;

const gone = new Set(['NO_AUTO_CREATE_USER', 'NO_FIELD_OPTIONS', 'NO_KEY_OPTIONS', 'NO_TABLE_OPTIONS']);

/** No right to act for others, or no such user. */
const mayNotDefine = (error: ServerError): boolean => isDenied(error) || error.errno === 1449;

const quoted = '(?:`(?:[^`]|``)*`|"(?:[^"]|"")*")';
const definer = new RegExp(`^(CREATE (?:ALGORITHM=\\w+ )?)DEFINER=${quoted}(?:@${quoted})? `);

export const withoutDefiner = (statement: string): string => statement.replace(definer, '$1');

const failed = ({ type, name }: SqlItem, why: string, cause?: ServerError): HoldfastError => {
  const [said, of] = aboutUsers.has(type) ? [withoutExcerpt(why), cause && scrubbed(cause)] : [why, cause];
  return new HoldfastError('TARGET_FAILED', `${type} ${name} could not be restored: ${said}`, {
    hint: hintFor(type, of),
    cause: of,
  });
};

/** Their statements hold hashes of passwords, and the server repeats what it does not understand. */
const aboutUsers = new Set<SqlItem['type']>(['user', 'role', 'grant', 'password rule', 'default role']);

const withoutExcerpt = (message: string): string => message.replace(/ near '.*$/s, '');

const scrubbed = ({ errno, state, message }: ServerError): ServerError =>
  new ServerError(errno, state, withoutExcerpt(message));

const hintFor = (type: SqlItem['type'], error: ServerError | undefined): string | undefined => {
  if (errnoOf(error) === 1419)
    return 'set global log_bin_trust_function_creators = 1 on the server, or restore as an administrator';
  if (error && isDenied(error)) return 'restore as a user with more rights, or grant what is missing';
  if (error && type === 'table')
    return 'make it by hand as this server knows it, and load its rows with the stock client: see docs/sources/mysql.md';
  if (!isForeign(error)) return undefined;
  if (aboutUsers.has(type))
    return 'MariaDB and MySQL keep users and passwords each in its own way: make it by hand, with what it was granted';
  if (type === 'sequence') return 'only MariaDB has sequences: let a column count by AUTO_INCREMENT';
  return 'its text is in post-data.sql of the snapshot: write it as this server knows it';
};

/** It is not in the server's language, or not in a mode that it has. */
const isForeign = (error: ServerError | undefined): boolean =>
  [errno.syntax, errno.wrongValue].some((number) => number === error?.errno);
