// The parts of a backup that PostgreSQL's own programs write.
import type { Context } from '#lib/kind.ts';
import type { Choice } from './choice.ts';
import type { PostgresConfig } from './config.ts';
import { statementFor } from './database-statements.ts';
import { quoteName } from './identifiers.ts';
import type { ServerFacts } from './listing.ts';
import { besidePgDump, type PgDump, runProgram, withoutRestrict } from './pg-dump.ts';
import type { ConnectionSettings } from './settings.ts';
import type { DatabaseSnapshot } from './snapshot.ts';
import { itemsOf } from './sql-items.ts';

export interface Programs {
  readonly facts: ServerFacts;
  readonly pgDump: PgDump;
  readonly config: PostgresConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
}

export interface SectionRequest {
  readonly database: string;
  readonly section: 'pre-data' | 'post-data';
  readonly snapshot: Pick<DatabaseSnapshot, 'id' | 'encoding' | 'escapedStrings'>;
  readonly choice: Choice;
}

/** A section of a database's definition, as of the snapshot. */
export const dumpSection = (programs: Programs, request: SectionRequest): AsyncGenerator<Buffer> => {
  const { database, section, snapshot, choice } = request;
  const args = [
    `--section=${section}`,
    `--snapshot=${snapshot.id}`,
    ...encodingArguments(snapshot.encoding),
    programs.pgDump.major >= 16 ? '--no-large-objects' : '--no-blobs',
    ...choice.leftOut.map((name) => `--exclude-table=${quoteName(name)}`),
    ...choice.sequences
      .filter(({ readable }) => !readable)
      .map((name) => `--exclude-table-data=${quoteName(name)}`),
  ];
  return runPgDump(programs, database, snapshot, args);
};

/** The statements that make the database itself, with its settings and privileges. */
export async function* dumpDatabaseDefinition(
  programs: Programs,
  database: string,
  snapshot: SectionRequest['snapshot'],
): AsyncGenerator<Buffer> {
  const nothingIn = [
    '--create',
    '--schema-only',
    '--section=pre-data',
    '--exclude-schema=*',
    ...encodingArguments(snapshot.encoding),
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of runPgDump(programs, database, snapshot, nothingIn)) chunks.push(chunk);
  const { items } = itemsOf(Buffer.concat(chunks).toString('utf8'));
  for (const { type, name, statements } of items)
    if (/^DATABASE( PROPERTIES)?$/.test(type) || name.startsWith('DATABASE '))
      for (const statement of statements)
        if (!sessionSetting.test(statement))
          yield Buffer.from(`${statementFor(statement, programs.facts.major * 10_000)}\n`);
}

/** Text of other encodings could not be taken apart again; SQL_ASCII has none to convert from. */
const encodingArguments = (encoding: string): string[] =>
  encoding === 'SQL_ASCII' ? [] : ['--encoding=UTF8'];

/** What pg_dump says to each session that it begins. */
const sessionSetting = /^(SET|SELECT) /;

const runPgDump = (
  { facts, pgDump, config, settings, context }: Programs,
  database: string,
  { escapedStrings }: SectionRequest['snapshot'],
  args: readonly string[],
): AsyncGenerator<Buffer> => {
  const wait =
    config.lockTimeoutSeconds > 0 ? [`--lock-wait-timeout=${config.lockTimeoutSeconds * 1000}`] : [];
  const statistics = pgDump.major >= 18 ? ['--no-statistics'] : [];
  // Else it warns of them each time; that has been done.
  const hidden = facts.superuser ? [] : ['--no-subscriptions'];
  const environment = settings.environment(database);
  const output = runProgram({
    path: pgDump.path,
    args: ['--no-password', '--format=plain', ...wait, ...statistics, ...hidden, ...args],
    environment: escapedStrings ? withPlainStrings(environment) : environment,
    signal: context.signal,
    onWarning: (line) => context.log.warn({ database }, line),
  });
  return withoutRestrict(output);
};

/** Else literals would be written in the form that only a session with that setting reads; only there, because poolers may refuse options. */
const withPlainStrings = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...environment,
  PGOPTIONS: `${environment.PGOPTIONS ?? ''} -c standard_conforming_strings=on`,
});

/** Roles and tablespaces; with the roles' passwords only when the role may see them. */
export async function* dumpGlobals(
  { pgDump, settings, context }: Programs,
  database: string,
  superuser: boolean,
): AsyncGenerator<Buffer> {
  if (!superuser)
    yield Buffer.from(
      `-- Without the roles' passwords: only a superuser may read them, and ${settings.user.replaceAll(/\s/g, ' ')} is none.\n`,
    );
  const output = runProgram({
    path: besidePgDump(pgDump, 'pg_dumpall'),
    args: [
      '--no-password',
      `--database=${connectionTo(database)}`,
      '--globals-only',
      ...(superuser ? [] : ['--no-role-passwords']),
    ],
    environment: settings.environment(database),
    signal: context.signal,
    onWarning: (line) => context.log.warn(line),
  });
  yield* withoutRestrict(output);
}

/** Names the database in a form that no name can break out of; a bare one could pass for connection parameters. */
const connectionTo = (database: string): string =>
  `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
