// Rows of tables in a snapshot by what stands in their columns; no source is needed.
import type { Snapshot } from '#repository/contract.ts';
import type { ManifestTable } from '#sources/manifest.ts';
import type { RowValues } from '#sources/table-reader.ts';
import { entriesOf, type FoundManifest } from '../manifests.ts';
import { type ColumnValues, fitting } from './fitting.ts';
import { tablesNamed } from './table-names.ts';
import type { TableRows } from './table-rows.ts';

export interface RowWanted {
  readonly table: string;
  readonly values: ColumnValues;
}

export interface FoundRow {
  /** The folder of its database, as the snapshot has it. */
  readonly database: string;
  readonly table: string;
  readonly values: RowValues;
}

/** What was read already: most snapshots have the same rows as those before them. */
export type RowsRead = Map<string, readonly RowValues[]>;

export interface FindRowsOptions {
  readonly rows: TableRows;
  readonly databases: readonly FoundManifest[];
  readonly read: RowsRead;
  /** Told of each table of the name that the snapshot has, and why its rows are not there if they are not. */
  readonly onTable: (database: string, table: string, missing?: string) => void;
  /** Gets the names of the columns of tables; documents may have any. */
  readonly columns: Set<string>;
}

/** So many rows of a table are remembered; where there are more, it is read again. */
const mostRemembered = 100;

/** All rows that fit, in the order of the snapshot. */
export async function* findRows(
  snapshot: Snapshot,
  { table: name, values: wanted }: RowWanted,
  { rows, databases, read, onTable, columns }: FindRowsOptions,
): AsyncGenerator<FoundRow> {
  for (const database of databases) {
    const { folder, manifest } = database;
    const names = new Set(tablesNamed(manifest, name));
    for (const each of manifest.missing) if (names.has(each.name)) onTable(folder, each.name, each.reason);
    for (const table of manifest.tables.filter((each) => names.has(each.name))) {
      onTable(folder, table.name);
      const content = JSON.stringify([folder, table.name, table.rows, table.bytes, table.checksum]);
      const kept: RowValues[] = [];
      for await (const values of read.get(content) ?? fittingIn(database, table)) {
        if (kept.length <= mostRemembered) kept.push(values);
        yield { database: folder, table: table.name, values };
      }
      if (kept.length <= mostRemembered) read.set(content, kept);
    }
  }

  async function* fittingIn(database: FoundManifest, table: ManifestTable): AsyncGenerator<RowValues> {
    const shape = await rows.shapeOf(snapshot, database.folder, table.name);
    const fits = fitting(wanted, rows.reader, shape);
    for await (const batch of rows.read(snapshot, entriesOf(database, table)))
      for (const [at, row] of batch.entries()) {
        const values = fits(row);
        if (values) yield values;
        if (at > 0 || !rows.reader.isPlain) continue;
        for (const column of (values ?? shape.valuesOf(Buffer.from(row))).keys()) columns.add(column);
      }
  }
}
