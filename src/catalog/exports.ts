// How far exports have come: positions, files, and the rows in them that may be met again.
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { explained } from './database.ts';
import { inTransaction } from './transaction.ts';

export interface ExportTable {
  readonly id: number;
  readonly orderedBy: string;
  /** Nothing can still appear before it, less the overlap; absent: anything can. */
  readonly settled?: string;
  /** Positions that were reached, each with the number of the first transaction that had not begun then; oldest first. */
  readonly pending: readonly PendingPosition[];
  /** No run has got anywhere with it yet. */
  readonly isNew: boolean;
  /** The newest file; later ones are of the run that asked. */
  readonly lastFile: number;
}

export interface PendingPosition {
  readonly next: string;
  readonly position: string;
}

export interface NewExportFile {
  readonly run: string;
  /** Absent: rows that were there before the first export. */
  readonly name?: string;
  /** Tells an attempt to write it from all others. */
  readonly token: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly rows: number;
  /** Of the row in it that comes last. */
  readonly lastPosition: string;
}

export interface ExportFile extends NewExportFile {
  readonly id: number;
  readonly state: 'intended' | 'done' | 'purged' | 'gone';
  readonly exportedAt: Date;
  readonly shippedAt?: Date;
}

export interface RowHash {
  readonly hash: Uint8Array;
  readonly count: number;
}

/** Each call is durable when it returns. */
export interface ExportLedger {
  /** The table as it stands; made when it is new. */
  table(of: {
    readonly job: string;
    readonly source: string;
    readonly name: string;
    readonly orderedBy: string;
  }): ExportTable;
  /** Whether any run of the job has begun with a table. */
  knows(job: string): boolean;
  setPositions(table: number, positions: Pick<ExportTable, 'settled' | 'pending'>): void;
  /** Remembers that a file is about to get its name, with the rows in it; they count when it is confirmed. */
  intend(table: number, file: NewExportFile, rows: readonly RowHash[], at: Date): number;
  /** The file is there: it and its rows count from now on, together with the positions. */
  confirm(file: number, table: number, positions: Pick<ExportTable, 'settled' | 'pending'>): void;
  /** The same for a file that a run left behind: the positions stay as they are. */
  confirmAlone(file: number): void;
  /** The file did not come to be. */
  drop(file: number): void;
  /** How often a row of this hash is in confirmed files up to this one, as far as they are remembered row by row. */
  timesExported(table: number, hash: Uint8Array, lastFile: number): number;
  /** Confirmed files whose rows are remembered one by one. */
  filesWithRows(table: number): { readonly id: number; readonly lastPosition: string }[];
  /** The rows of these files cannot be met any more. */
  forgetRows(table: number, files: readonly number[]): void;
  /** Of a job, oldest first. */
  files(job: string, states: readonly ExportFile['state'][]): ExportFile[];
  hasFile(job: string, name: string): boolean;
  setShipped(file: number, at: Date): void;
  /** 'purged': by us. 'gone': it was no longer there. */
  setGone(file: number, state: 'purged' | 'gone', at: Date): void;
  /** One that was gone is there again. */
  setBack(file: number): void;
}

export const exportLedger = (database: DatabaseSync, path: string): ExportLedger => {
  const safely = <Result>(work: () => Result): Result => explained(path, work);
  const together = (work: () => void): void => safely(() => inTransaction(database, work));
  const run = (sql: string, ...values: SQLInputValue[]) => database.prepare(sql).run(...values);
  const all = (sql: string, ...values: SQLInputValue[]) => database.prepare(sql).all(...values);
  const setPositions: ExportLedger['setPositions'] = (table, { settled, pending }) =>
    void run(
      'UPDATE export_tables SET settled = ?, pending = ?, begun = 1 WHERE id = ?',
      settled ?? null,
      JSON.stringify(pending),
      table,
    );
  const times = database.prepare(
    `SELECT coalesce(sum(count), 0) AS count FROM export_rows r JOIN export_files f ON f.id = r.file
      WHERE r.export_table = ? AND r.hash = ? AND r.file <= ? AND f.state <> 'intended'`,
  );
  return {
    table: ({ job, source, name, orderedBy }) =>
      safely(() => {
        run(
          `INSERT INTO export_tables (job, source, name, ordered_by, pending) VALUES (?, ?, ?, ?, '[]')
            ON CONFLICT DO NOTHING`,
          job,
          source,
          name,
          orderedBy,
        );
        const [row] = all(
          `SELECT *, (SELECT coalesce(max(id), 0) FROM export_files) AS last_file FROM export_tables
            WHERE job = ? AND source = ? AND name = ?`,
          job,
          source,
          name,
        );
        return tableOf(row ?? {});
      }),
    knows: (job) => safely(() => all('SELECT 1 FROM export_tables WHERE job = ? LIMIT 1', job).length > 0),
    setPositions: (table, positions) => safely(() => setPositions(table, positions)),
    intend(table, file, rows, at) {
      let id = 0;
      together(() => {
        const { lastInsertRowid } = run(
          `INSERT INTO export_files (export_table, run, name, token, size_bytes, sha256, rows, last_position, state, exported_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?)`,
          table,
          file.run,
          file.name ?? null,
          file.token,
          file.sizeBytes,
          file.sha256,
          file.rows,
          file.lastPosition,
          at.getTime(),
        );
        id = Number(lastInsertRowid);
        // In the order of the table, so that its pages are filled one after the other.
        const sorted = rows.toSorted((a, b) => Buffer.compare(a.hash, b.hash));
        const insert = database.prepare(
          'INSERT INTO export_rows (export_table, hash, file, count) VALUES (?, ?, ?, ?)',
        );
        for (const { hash, count } of sorted) insert.run(table, hash, id, count);
      });
      return id;
    },
    confirm: (file, table, positions) =>
      together(() => {
        run(`UPDATE export_files SET state = 'done' WHERE id = ? AND state = 'intended'`, file);
        setPositions(table, positions);
      }),
    confirmAlone: (file) =>
      safely(
        () => void run(`UPDATE export_files SET state = 'done' WHERE id = ? AND state = 'intended'`, file),
      ),
    drop: (file) =>
      together(() => {
        run(
          'DELETE FROM export_rows WHERE file = ?1 AND export_table = (SELECT export_table FROM export_files WHERE id = ?1)',
          file,
        );
        run(`DELETE FROM export_files WHERE id = ? AND state = 'intended'`, file);
      }),
    timesExported: (table, hash, lastFile) =>
      safely(() => Number(times.get(table, hash, lastFile)?.count ?? 0)),
    filesWithRows: (table) =>
      safely(() =>
        all(
          `SELECT id, last_position FROM export_files WHERE export_table = ? AND state <> 'intended'
            AND remembered ORDER BY id`,
          table,
        ).map(({ id, last_position }) => ({ id: Number(id), lastPosition: String(last_position) })),
      ),
    forgetRows: (table, files) =>
      together(() => {
        for (const file of files) run('UPDATE export_files SET remembered = 0 WHERE id = ?', file);
        run(
          `DELETE FROM export_rows WHERE export_table = ?1
            AND file IN (SELECT id FROM export_files WHERE export_table = ?1 AND NOT remembered)`,
          table,
        );
      }),
    files: (job, states) =>
      safely(() =>
        all(
          `SELECT f.* FROM export_files f JOIN export_tables t ON t.id = f.export_table
            WHERE t.job = ? AND f.state IN (${states.map(() => '?')}) ORDER BY f.id`,
          job,
          ...states,
        ).map(fileOf),
      ),
    hasFile: (job, name) =>
      safely(
        () =>
          all(
            `SELECT 1 FROM export_files f JOIN export_tables t ON t.id = f.export_table
              WHERE t.job = ? AND f.name = ? LIMIT 1`,
            job,
            name,
          ).length > 0,
      ),
    setShipped: (file, at) =>
      safely(() => void run('UPDATE export_files SET shipped_ms = ? WHERE id = ?', at.getTime(), file)),
    setGone: (file, state, at) =>
      safely(
        () =>
          void run(
            'UPDATE export_files SET state = ?, purged_ms = ? WHERE id = ?',
            state,
            at.getTime(),
            file,
          ),
      ),
    setBack: (file) =>
      safely(
        () =>
          void run(
            `UPDATE export_files SET state = 'done', purged_ms = NULL WHERE id = ? AND state = 'gone'`,
            file,
          ),
      ),
  };
};

type Row = Record<string, SQLOutputValue>;

const pendingSchema = z.array(z.strictObject({ next: z.string(), position: z.string() }));

const tableRow = z.object({
  id: z.number(),
  ordered_by: z.string(),
  settled: z.string().nullable(),
  pending: z.string(),
  begun: z.number(),
  last_file: z.number(),
});

const tableOf = (row: Row): ExportTable => {
  const { id, ordered_by, settled, pending, begun, last_file } = tableRow.parse(row);
  return {
    id,
    orderedBy: ordered_by,
    ...(settled !== null && { settled }),
    pending: pendingSchema.parse(JSON.parse(pending)),
    isNew: begun === 0,
    lastFile: last_file,
  };
};

const fileRow = z.object({
  id: z.number(),
  run: z.string(),
  name: z.string().nullable(),
  token: z.string(),
  size_bytes: z.number(),
  sha256: z.string(),
  rows: z.number(),
  last_position: z.string(),
  state: z.enum(['intended', 'done', 'purged', 'gone']),
  exported_ms: z.number(),
  shipped_ms: z.number().nullable(),
});

const fileOf = (row: Row): ExportFile => {
  const found = fileRow.parse(row);
  return {
    id: found.id,
    run: found.run,
    ...(found.name !== null && { name: found.name }),
    token: found.token,
    sizeBytes: found.size_bytes,
    sha256: found.sha256,
    rows: found.rows,
    lastPosition: found.last_position,
    state: found.state,
    exportedAt: new Date(found.exported_ms),
    ...(found.shipped_ms !== null && { shippedAt: new Date(found.shipped_ms) }),
  };
};
