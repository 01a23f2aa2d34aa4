// The tables and collections of the databases in a snapshot.
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { ManifestTable } from '#sources/manifest.ts';
import type { SqlValue } from '#sources/table-reader.ts';
import { entriesOf, type FoundManifest, knownManifestsOf } from '../manifests.ts';
import { type TableRows, wholeRow } from '../rows/table-rows.ts';
import type { Askable } from './askable.ts';
import { namedTable } from './named-table.ts';

export const databaseTables = async (
  repository: Repository,
  snapshot: Snapshot,
  rows: TableRows,
  signal: AbortSignal,
): Promise<Askable> => {
  const databases = await knownManifestsOf(repository, snapshot, signal);
  return {
    missing: databases.flatMap(({ folder, manifest }) =>
      manifest.missing.map(({ name, reason }) => ({ database: folder, name, reason })),
    ),
    async named(wanted) {
      const { database, name, tables } = namedTable(wanted, databases);
      const { columns } = await rows.shapeOf(snapshot, database.folder, tables[0]?.name ?? name);
      if (columns.includes(wholeRow)) throw notOneTable(name);
      return {
        id: `${database.folder}: ${name}`,
        columns,
        hasAnyColumn: !rows.reader.isPlain,
        ownFields: rows.reader.ownFields ?? [],
        isUntyped: await rows.isUntyped(snapshot, database.folder),
        async read(names, onRow) {
          for (const table of tables) await readTable(database, table, names, onRow);
        },
      };
    },
    async *tables() {
      for (const { folder, manifest } of databases)
        for (const { name, rows: count } of manifest.tables) {
          const { columns } = await rows.shapeOf(snapshot, folder, name);
          if (!columns.includes(wholeRow)) yield { database: folder, name, rows: count, columns };
        }
    },
  };

  async function readTable(
    database: FoundManifest,
    table: ManifestTable,
    names: readonly string[],
    onRow: (values: SqlValue[]) => void,
  ): Promise<void> {
    const shape = await rows.shapeOf(snapshot, database.folder, table.name);
    const valuesOf = names.length === 0 ? () => [] : shape.sqlReader(names);
    let count = 0;
    for await (const batch of rows.read(snapshot, entriesOf(database, table)))
      for (const row of batch) {
        onRow(valuesOf(bufferOf(row)));
        count += 1;
      }
    if (count === table.rows) return;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `${database.folder}: ${table.name} has ${count} rows, and its manifest says ${table.rows}`,
      { hint: '`holdfast verify` compares the whole snapshot' },
    );
  }
};

/** As a search index of SQLite, whose data lies in several tables. */
const notOneTable = (name: string): HoldfastError =>
  new HoldfastError(
    'UNSUPPORTED',
    `${printable(name)} cannot be asked: its rows are not those of one table`,
    {
      hint: 'restore it with --table, and ask there',
    },
  );
