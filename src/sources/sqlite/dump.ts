// One consistent state of a database as entries: a single read transaction, held until the last content has been read.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { resultCode, sqliteCode } from '#lib/sqlite-codes.ts';
import { rowChunking } from '../increments.ts';
import { manifestName } from '../manifest.ts';
import type { Entry } from '../source.ts';
import { damageHint, damageIn, firstOf } from './damage.ts';
import { manifestOf, type Outcome } from './dump-manifest.ts';
import { byPath, createFile, dataPath, finishFile } from './layout.ts';
import { type Claim, createLease, type Lease } from './lease.ts';
import type { SqliteConfig } from './options.ts';
import { value } from './query.ts';
import { openForReading, type Reading } from './reading.ts';
import { tableRows } from './rows.ts';
import type { Schema, Table } from './schema.ts';
import { createSql, finishSql } from './schema-files.ts';
import { selectFrom } from './selection.ts';
import { cannotRead, ownExportHint } from './sqlite-error.ts';

/** What a dump needs to know all along. */
interface Dump {
  readonly config: SqliteConfig;
  readonly context: Context;
  readonly reading: Reading;
  readonly schema: Schema;
  readonly lease: Lease;
  readonly capturedAt: Date;
  /** By table: what was read of it, or why it is missing. */
  readonly outcomes: Map<string, Outcome>;
}

/** Where open databases are noted, so that disposing of the source closes them. */
export type OpenReadings = Set<Reading>;

export async function* dumpDatabase(
  config: SqliteConfig,
  context: Context,
  open: OpenReadings,
): AsyncGenerator<Entry> {
  const reading = await openForReading(config.path, config.busyTimeoutSeconds, context);
  open.add(reading);
  const lease = createLease(() => {
    open.delete(reading);
    reading.close();
  });
  let brokeOff = true;
  try {
    const { schema, unmatched } = selectFrom(reading.db, config);
    const outcomes = new Map<string, Outcome>();
    const dump: Dump = { config, context, reading, schema, lease, capturedAt: context.clock.now(), outcomes };
    yield textEntry(createFile, dump, async () => createSql(schema));
    for (const entry of dataEntries(dump, unmatched)) {
      throwIfCancelled(context.signal);
      yield entry;
    }
    yield textEntry(finishFile, dump, () => finishText(dump));
    yield textEntry(manifestName, dump, () => manifestText(dump));
    brokeOff = false;
  } finally {
    lease.end(brokeOff);
  }
}

const dataEntries = (dump: Dump, unmatched: readonly string[]): Entry[] => {
  const entries = dump.schema.tables.map((table) => tableEntry(dump, table));
  for (const pattern of unmatched)
    entries.push(failedEntry(dump, pattern, dataPath(pattern), 'no table or view has such a name'));
  return entries.toSorted((a, b) => byPath(a.path, b.path));
};

const tableEntry = (dump: Dump, table: Table): Entry => {
  const path = dataPath(table.name, table.owner);
  if ([table, ...table.columns].some(({ name }) => name.includes('\n')))
    return failedEntry(dump, table.name, path, 'its name or that of a column has a line break');
  const claim = dump.lease.expect();
  const item = table.owner ?? table.name;
  return {
    path,
    type: 'file',
    meta: {},
    chunking: rowChunking(dump.config),
    item,
    content: () => tableContent(dump, table, claim),
  };
};

const failedEntry = (dump: Dump, item: string, path: string, reason: string): Entry => {
  dump.outcomes.set(item, { state: 'missing', reason });
  const failed = new HoldfastError('ITEM_UNREADABLE', `table ${item} cannot be dumped: ${reason}`, {
    hint: 'correct the patterns in the configuration, or rename what has such a name',
  });
  return { path, type: 'file', meta: {}, item, failed };
};

async function* tableContent(dump: Dump, table: Table, claim: Claim): AsyncGenerator<Uint8Array> {
  if (!claim.open()) throw ended();
  const { resolve, promise: done } = Promise.withResolvers<void>();
  dump.outcomes.set(table.name, { state: 'reading', done });
  let outcome: Outcome = { state: 'missing', reason: 'it was not read to its end' };
  try {
    const counter = createRowCounter('lines');
    for await (const chunk of checkedRows(dump, table)) {
      counter.update(chunk);
      yield chunk;
    }
    outcome = { state: 'read', count: counter.finish() };
  } catch (error) {
    outcome = { state: 'missing', reason: messageOf(error) };
    throw error;
  } finally {
    dump.outcomes.set(table.name, outcome);
    resolve();
    claim.release();
  }
}

async function* checkedRows({ config, context, reading, schema }: Dump, table: Table) {
  const { db } = reading;
  const { signal, log } = context;
  throwIfCancelled(signal);
  try {
    if (config.quickCheck) {
      const { damage, remarks } = damageIn(db, table.name);
      if (damage.length > 0) throw unreadable(table, firstOf(damage), damageHint(damage, config.path));
      for (const remark of remarks) log.warn({ table: table.name }, remark);
    }
    yield* tableRows({ db, table, encoding: schema.settings.encoding, signal });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    const hint = sqliteCode(cause) === resultCode.error ? ownExportHint : damageHint([], config.path);
    throw unreadable(table, messageOf(cause), hint, cause);
  }
}

const unreadable = ({ name }: Table, message: string, hint: string, cause?: unknown): HoldfastError =>
  new HoldfastError('ITEM_UNREADABLE', `table ${name} cannot be read: ${message}`, { hint, cause });

const textEntry = (path: string, { lease, config }: Dump, make: () => Promise<string>): Entry => {
  const claim = lease.expect();
  const content = async function* (): AsyncGenerator<Uint8Array> {
    if (!claim.open()) throw ended();
    try {
      yield Buffer.from(await make(), 'utf8');
    } catch (cause) {
      throw cannotRead(config.path, cause);
    } finally {
      claim.release();
    }
  };
  return { path, type: 'file', meta: {}, content };
};

const finishText = async ({ reading, schema, context }: Dump): Promise<string> => {
  const rows = new Map<string, string[]>();
  for (const table of schema.internal) {
    const { encoding } = schema.settings;
    const chunks = await Array.fromAsync(
      tableRows({ db: reading.db, table, encoding, signal: context.signal }),
    );
    const lines = Buffer.concat(chunks).toString('utf8').split(';\n');
    rows.set(table.name, lines.slice(0, -1));
  }
  return finishSql(schema, rows, value(reading.db, 'PRAGMA journal_mode'));
};

const manifestText = async ({ config, schema, ...dump }: Dump): Promise<string> => {
  const manifest = await manifestOf({ ...dump, path: config.path, tables: schema.tables });
  return `${JSON.stringify(manifest, null, 2)}\n`;
};

const ended = (): HoldfastError =>
  new HoldfastError('CANCELLED', 'the dump has ended; its contents can no longer be read');
