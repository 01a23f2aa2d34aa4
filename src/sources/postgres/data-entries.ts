// Rows and large objects as entries, counted as they pass.
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { rowChunking } from '../increments.ts';
import type { Lifetime } from '../lifetime.ts';
import { folderEntry } from '../own-entries.ts';
import type { Patience } from '../silence.ts';
import type { Entry } from '../source.ts';
import type { Tally } from '../tally.ts';
import type { Choice } from './choice.ts';
import type { Dump } from './dump.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { itemError } from './item-error.ts';
import { largeObjectDefinitionsSql, largeObjectsName, largeObjectsSql } from './large-objects.ts';
import {
  largeObjectDefinitionsPath,
  largeObjectFolder,
  largeObjectPath,
  rangeFile,
  tablePath,
} from './layout.ts';
import { orReadAll } from './listing.ts';
import { copyOutSql, type Range, rangeBytes } from './ranges.ts';
import type { Reading } from './reading.ts';
import type { DatabaseSnapshot } from './snapshot.ts';

/** What all entries of a database share. */
export interface DatabaseDump {
  readonly dump: Dump;
  readonly database: string;
  /** The database's folder in the snapshot. */
  readonly folder: string;
  readonly snapshot: DatabaseSnapshot;
  readonly reading: Reading;
  readonly lifetime: Lifetime;
  readonly choice: Choice;
  /** Of the tables whose rows are wanted, by plain name. */
  readonly ranges: ReadonlyMap<string, readonly Range[]>;
  /** Of those tables in bytes, by number. */
  readonly sizes: ReadonlyMap<number, number>;
  readonly tally: Tally;
}

/** What was wanted and cannot be had, each under the path that it would have. */
export function* failedEntries({ database, folder, choice, tally, dump }: DatabaseDump): Generator<Entry> {
  const unreadable = choice.sequences
    .filter(({ readable }) => !readable)
    .map((name) => unreadableSequence(name, dump.facts.major));
  for (const { name, error } of [...choice.failures, ...unreadable]) {
    tally.missing(plainName(name), error.message);
    yield {
      path: `${folder}/${tablePath(name)}`,
      type: 'file',
      meta: {},
      failed: error,
      item: `${database}.${plainName(name)}`,
    };
  }
}

const unreadableSequence = (name: QualifiedName, major: number) => ({
  name,
  error: new HoldfastError('ITEM_UNREADABLE', `the value of sequence ${plainName(name)} may not be read`, {
    hint: `grant select on it${orReadAll(major)}`,
  }),
});

/** The rows of each table, in as many files as it has ranges. */
export function* dataEntries(of: DatabaseDump): Generator<Entry> {
  const { database, folder, snapshot, choice, ranges, sizes, dump } = of;
  const tables = choice.tables.map((table) => ({ table, path: tablePath(table) }));
  tables.sort((a, b) => byBytes(a.path, b.path));
  for (const { table, path } of tables) {
    const parts = ranges.get(plainName(table)) ?? [];
    if (parts.length > 0) yield folderEntry(`${folder}/${path}`);
    for (const [index, range] of parts.entries())
      yield rowsEntry(of, {
        name: plainName(table),
        label: `table ${plainName(table)}`,
        item: `${database}.${plainName(table)}`,
        path: `${path}/${rangeFile(index)}`,
        size: rangeBytes(sizes.get(table.oid) ?? 0, range, dump.facts.blockSize),
        sql: copyOutSql(table, range, snapshot.encoding),
        table,
      });
  }
}

/** What large objects are, and then what is in them. */
export function* largeObjectEntries(of: DatabaseDump, groups: readonly number[]): Generator<Entry> {
  if (groups.length === 0) return;
  const common = {
    name: largeObjectsName,
    label: largeObjectsName,
    item: `${of.database}.${largeObjectsName}`,
  };
  yield folderEntry(`${of.folder}/${largeObjectFolder}`);
  const { recast } = of.dump;
  yield rowsEntry(of, {
    ...common,
    path: largeObjectDefinitionsPath,
    sql: largeObjectDefinitionsSql(of.snapshot.encoding),
    ...(recast && { recast: (rows) => recast(of.database, rows) }),
  });
  for (const group of groups)
    yield rowsEntry(of, { ...common, path: largeObjectPath(group), sql: largeObjectsSql(group) });
}

interface Rows {
  /** In the manifest. */
  readonly name: string;
  /** In messages. */
  readonly label: string;
  readonly item: string;
  /** Relative to the database's folder. */
  readonly path: string;
  readonly size?: number;
  readonly sql: string;
  readonly table?: QualifiedName;
  readonly recast?: (rows: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;
}

const rowsEntry = (of: DatabaseDump, rows: Rows): Entry => {
  of.tally.expect(rows.name, rows.path);
  return {
    path: `${of.folder}/${rows.path}`,
    type: 'file',
    meta: { mode: 0o600, ...(rows.size !== undefined && { size: rows.size }) },
    content: of.lifetime.during(() => countedRows(of, rows)),
    chunking: rows.table ? rowChunking(of.dump.config) : 'table',
    item: rows.item,
  };
};

const patienceWith = ({ config, settings }: Dump, item: string): Patience => ({
  seconds: config.timeoutSeconds,
  item,
  server: `PostgreSQL at ${settings.server}`,
});

/** The rows; the server's own count of them must agree with ours. */
async function* countedRows({ dump, reading, tally }: DatabaseDump, rows: Rows): AsyncGenerator<Uint8Array> {
  const { name, label, path, sql, table, recast } = rows;
  const counter = createRowCounter('lines');
  let sent: number | undefined;
  let outcome: unknown = new HoldfastError('CANCELLED', 'not read to its end');
  try {
    const onRows = (count: number | undefined): void => {
      sent = count;
    };
    const sentRows = reading.copy({
      sql,
      onRows,
      patience: patienceWith(dump, label),
      ...(table && { table }),
    });
    for await (const chunk of recast?.(sentRows) ?? sentRows) {
      counter.update(chunk);
      yield chunk;
    }
    const count = counter.finish();
    if (sent !== count.rows)
      throw new HoldfastError(
        'ITEM_UNREADABLE',
        `${label}: the server sent ${count.rows} rows and says it were ${sent}`,
        {
          hint: 'run the backup again; if it stays so, report it',
        },
      );
    outcome = undefined;
    tally.done(name, count);
  } catch (error) {
    outcome = itemError(error, label, dump.settings.user);
    throw outcome;
  } finally {
    if (outcome !== undefined) tally.failed(name, path, outcome);
  }
}
