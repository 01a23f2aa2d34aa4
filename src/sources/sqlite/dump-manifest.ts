// manifest.json of a dump: made last, from what was counted while rows passed.
import { basename } from 'node:path';
import { combine, noRows, type RowCount } from '#lib/row-checksum.ts';
import type { Manifest, ManifestTable } from '../manifest.ts';
import { byPath, dataPath } from './layout.ts';
import { value } from './query.ts';
import type { Reading } from './reading.ts';
import type { Table } from './schema.ts';

/** What became of a table's rows. */
export type Outcome =
  | { readonly state: 'reading'; readonly done: Promise<void> }
  | { readonly state: 'read'; readonly count: RowCount }
  | { readonly state: 'missing'; readonly reason: string };

export interface Dumped {
  readonly path: string;
  readonly reading: Reading;
  readonly capturedAt: Date;
  readonly tables: readonly Table[];
  /** By table, and by pattern for those that fit none. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** Waits for tables that are still being read, and says what was captured. A virtual table and all it keeps are one table. */
export const manifestOf = async ({
  path,
  reading,
  capturedAt,
  tables,
  outcomes,
}: Dumped): Promise<Manifest> => {
  for (const outcome of outcomes.values()) if (outcome.state === 'reading') await outcome.done;
  reading.confirm();
  const captured: ManifestTable[] = [];
  const missing = new Map<string, string>();
  for (const [name, outcome] of outcomes) if (outcome.state === 'missing') missing.set(name, outcome.reason);
  const parts = tables
    .map((table) => ({ ...table, path: dataPath(table.name, table.owner) }))
    .toSorted((a, b) => byPath(a.path, b.path));
  for (const [name, group] of Map.groupBy(parts, (part) => part.owner ?? part.name)) {
    const counts = group.map((part) => outcomes.get(part.name) ?? unread);
    const lost = counts.find((outcome) => outcome.state === 'missing');
    if (lost) missing.set(name, lost.reason);
    else captured.push({ name, entries: group.map((part) => part.path), format: 'lines', ...sum(counts) });
  }
  return {
    manifest: 1,
    engine: 'sqlite',
    engineVersion: value(reading.db, 'SELECT sqlite_version()'),
    database: basename(path),
    position: positionOf(reading),
    capturedAt: capturedAt.toISOString(),
    tables: captured,
    missing: [...missing]
      .filter(([name]) => !isPart(name, tables))
      .map(([name, reason]) => ({ name, reason })),
  };
};

const unread: Outcome = { state: 'missing', reason: 'it was not read' };

const sum = (outcomes: readonly Outcome[]): RowCount =>
  outcomes.reduce(
    (total, outcome) => (outcome.state === 'read' ? combine(total, outcome.count) : total),
    noRows,
  );

/** What a virtual table keeps is missing under the virtual table's name. */
const isPart = (name: string, tables: readonly Table[]): boolean =>
  tables.some((table) => table.owner !== undefined && table.name === name);

/** What tells one state of the file from another, as far as SQLite shows it. */
const positionOf = ({ db }: Reading): Record<string, string> =>
  Object.fromEntries(pragmas.map((name) => [name, String(value<number | string>(db, `PRAGMA ${name}`))]));

const pragmas = [
  'schema_version',
  'user_version',
  'application_id',
  'page_count',
  'page_size',
  'encoding',
  'journal_mode',
];
