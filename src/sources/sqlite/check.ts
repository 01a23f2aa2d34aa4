// What would stop or spoil a dump of a database.
import type { DatabaseSync } from 'node:sqlite';
import { letOthersWork } from '#lib/clock.ts';
import { messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { attempt } from '../findings.ts';
import type { Finding } from '../source.ts';
import { type Damage, damageHint, damageIn } from './damage.ts';
import type { SqliteConfig } from './options.ts';
import { value } from './query.ts';
import { openForReading } from './reading.ts';
import { selectLines } from './row-sql.ts';
import { createSql, finishSql } from './schema-files.ts';
import { openScratch } from './scratch.ts';
import { type Selection, selectFrom } from './selection.ts';
import { ownExportHint } from './sqlite-error.ts';

/** Opens the database as a dump does and looks at its mode, its schema and, unless switched off, its pages. */
export const checkDatabase = (config: SqliteConfig, context: Context): Promise<Finding[]> =>
  attempt(config.path, async () => {
    const reading = await openForReading(config.path, config.busyTimeoutSeconds, context);
    try {
      const selection = selectFrom(reading.db, config);
      const journalMode = value<string>(reading.db, 'PRAGMA journal_mode');
      const unreadable = unreadableTables(reading.db, selection);
      const findings = [
        ...patternFindings(selection),
        ...unreadable.map(({ table, error }) => unreadableFinding(config.path, table, error)),
        ...schemaFindings(selection, config.path).filter(
          ({ subject }) =>
            !unreadable.some(({ table }) => subject === subjectOf(config.path, 'table', table)),
        ),
      ];
      if (journalMode !== 'wal') findings.push(waitingWriters(config.path, journalMode));
      if (!config.quickCheck) return findings;
      for (const { name } of selection.schema.tables) {
        findings.push(...damageFindings(damageIn(reading.db, name), name, config.path));
        await letOthersWork(context.signal);
      }
      return findings;
    } finally {
      reading.close();
    }
  });

const waitingWriters = (path: string, journalMode: string): Finding => ({
  level: 'warning',
  subject: path,
  message: `its journal mode is ${journalMode}: writers wait while a backup reads`,
  hint: 'switch the application’s database to WAL mode ("PRAGMA journal_mode=WAL", once), or back up at a quiet time',
});

const patternFindings = ({ unmatched, schema }: Selection): Finding[] => [
  ...unmatched.map(
    (pattern): Finding => ({
      level: 'error',
      subject: `tables: ${pattern}`,
      message: 'no table or view has such a name',
      hint: 'correct the pattern, or remove it',
    }),
  ),
  ...(schema.tables.length === 0
    ? [{ level: 'warning', subject: 'tables', message: 'there is no table to back up' } as const]
    : []),
];

/** Those whose rows no statement can ask for: in the order of a collation, for instance, that only the application has. */
const unreadableTables = (db: DatabaseSync, { schema }: Selection) =>
  schema.tables.flatMap((table) => {
    try {
      db.prepare(selectLines(table, { skip: 0 }));
      return [];
    } catch (error) {
      return [{ table: table.name, error }];
    }
  });

const unreadableFinding = (path: string, table: string, error: unknown): Finding => ({
  level: 'error',
  subject: subjectOf(path, 'table', table),
  message: `its rows cannot be read: ${messageOf(error)}`,
  hint: `${ownExportHint}, and exclude it here`,
});

const subjectOf = (path: string, type: string, name: string): string => `${path}: ${type} ${name}`;

/** Makes the schema anew in memory: what fails there would fail in a restore. */
const schemaFindings = ({ schema }: Selection, path: string): Finding[] => {
  using scratch = openScratch();
  scratch.load(createSql(schema));
  scratch.load(finishSql(schema, new Map(), 'delete'));
  return scratch.failures.map(({ type, name, error }) => ({
    level: 'warning',
    subject: subjectOf(path, type, name),
    message: `it is backed up, but Holdfast could not restore it: ${messageOf(error)}`,
    hint: 'a restore by hand with the application’s own SQLite can; docs/sources/sqlite.md shows how',
  }));
};

const damageFindings = ({ damage, remarks }: Damage, table: string, path: string): Finding[] => [
  ...damage.slice(0, mostShown).map(
    (message): Finding => ({
      level: 'error',
      subject: subjectOf(path, 'table', table),
      message: `it is damaged: ${message}`,
      hint: damageHint(damage, path),
    }),
  ),
  ...remarks.slice(0, mostShown).map(
    (message): Finding => ({
      level: 'warning',
      subject: subjectOf(path, 'table', table),
      message,
      hint: 'the rows are backed up all the same; a restore may refuse those that break the schema’s own rules',
    }),
  ),
];

const mostShown = 3;
