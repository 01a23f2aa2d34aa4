// Rows that were not exported yet → files. Every row is in exactly one file, whatever breaks when.
import type { ExportLedger, ExportTable, RowHash } from '#catalog/exports.ts';
import type { UnfinishedObjects } from '#catalog/unfinished.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { RowTable, RowValues, RowView } from '#sources/source.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { exportFile, isTaken } from './file.ts';
import { type RowFormat, type RowText, rowText } from './format.ts';
import { exportName } from './name.ts';
import { type RowOrder, rowOrderOf, type TableWish } from './row-order.ts';
import { type Positions, reach, settle, type WindowOptions } from './window.ts';

export interface ExportPlace {
  readonly job: string;
  readonly run: string;
  readonly source: string;
  readonly site: string;
  readonly store: Store;
  readonly ledger: ExportLedger;
  readonly unfinished: UnfinishedObjects;
  /** The template of the files' names. */
  readonly name: string;
  readonly format: RowFormat;
  readonly gzip: boolean;
  readonly maxRows: number;
}

/** Exports what is new in a table. Returns how many rows have no value in the column that orders them, and so are in no file. */
export const exportTable = async (
  wish: TableWish,
  view: RowView,
  place: ExportPlace,
  context: JobContext,
): Promise<number> => {
  const table = await view.table(wish.table);
  const work = new TableWork(wish, table, view, place, context);
  return await work.run();
};

class TableWork {
  readonly #wish: TableWish;
  readonly #table: RowTable;
  readonly #place: ExportPlace;
  readonly #context: JobContext;
  readonly #order: RowOrder;
  readonly #window: WindowOptions;
  readonly #text: RowText;
  /** How often rows were met that are in files already. */
  readonly #met = new Map<string, number>();

  constructor(wish: TableWish, table: RowTable, view: RowView, place: ExportPlace, context: JobContext) {
    this.#wish = wish;
    this.#table = table;
    this.#place = place;
    this.#context = context;
    this.#order = rowOrderOf(wish, table);
    this.#window = { table, orderedBy: this.#order.orderedBy, horizon: view.horizon };
    this.#text = rowText(place.format, table.columns);
  }

  async run(): Promise<number> {
    const { ledger, job, source } = this.#place;
    const known = ledger.table({ job, source, name: this.#wish.table, orderedBy: this.#order.orderedBy });
    if (known.orderedBy !== this.#order.orderedBy)
      throw new HoldfastError(
        'CONFIG_INVALID',
        `${this.#table.name} was exported by ${known.orderedBy} so far`,
        {
          hint: `keep to that column, or give the job another name and begin anew`,
        },
      );
    if (known.isNew && this.#wish.first === 'now') {
      await this.#beginNow(known.id);
      return 0;
    }
    return await this.#export(known);
  }

  async #export(known: ExportTable): Promise<number> {
    const { settled, pending } = known;
    let positions: Positions = { ...(settled !== undefined && { settled }), pending };
    let reached: string | undefined;
    let isNearby = false;
    const fresh = this.#newRows(known, positions, (row) => {
      isNearby = true;
      if (!this.#isAhead(row)) reached = positionOf(row);
    });
    for await (const rows of filesOf(fresh, this.#place.maxRows)) {
      const lastPosition = positionOf(rows.at(-1) ?? []);
      const passed = rows.findLast((row) => !this.#isAhead(row));
      if (passed) positions = reach(positions, positionOf(passed), this.#window);
      await this.#write(known.id, rows, lastPosition, positions);
    }
    if (reached !== undefined) positions = reach(positions, reached, this.#window);
    if (settled !== undefined && !isNearby) await this.#warnOfEarlierRows();
    positions = await settle(positions, this.#window);
    this.#place.ledger.setPositions(known.id, positions);
    await this.#forget(known.id, positions);
    return await this.#table.withoutValue(this.#order.orderedBy);
  }

  /** Rows from the window on that are in no file. */
  async *#newRows(
    known: ExportTable,
    { settled }: Positions,
    onMet: (row: RowValues) => void,
  ): AsyncGenerator<RowValues> {
    const from = settled === undefined ? {} : { from: { position: settled, overlap: this.#order.overlap } };
    const isFirst = this.#place.ledger.filesWithRows(known.id).length === 0;
    for await (const batch of this.#table.rows({
      orderBy: this.#order.orderedBy,
      thenBy: this.#order.thenBy,
      ...from,
    })) {
      throwIfCancelled(this.#context.signal);
      for (const row of batch) {
        if (isFirst || !this.#isExported(known, row)) yield row;
        onMet(row);
      }
    }
  }

  /** A table whose newest rows were deleted looks like one that was begun anew, of which nothing would be exported for long. */
  async #warnOfEarlierRows(): Promise<void> {
    if ((await this.#table.last(this.#order.orderedBy)) === undefined) return;
    this.#context.onEvent({
      type: 'warning',
      subject: `${this.#place.source}: ${this.#table.name}`,
      text: `all rows lie before those that were exported, by ${this.#order.orderedBy}, and so none of them is`,
      hint: 'when the table was begun anew, or an older state of it was restored, give the job another name',
    });
  }

  #isAhead(row: RowValues): boolean {
    return this.#order.isAhead(row, this.#context.clock.now());
  }

  /** Where several rows are the same, as many of them as are in files. */
  #isExported({ id, lastFile }: ExportTable, row: RowValues): boolean {
    const hash = this.#order.hash(row);
    const times = this.#place.ledger.timesExported(id, hash, lastFile);
    if (times === 0) return false;
    const name = hash.toString('latin1');
    const met = (this.#met.get(name) ?? 0) + 1;
    this.#met.set(name, met);
    return met <= times;
  }

  async #write(
    table: number,
    rows: readonly RowValues[],
    lastPosition: string,
    positions: Positions,
  ): Promise<void> {
    const { ledger, unfinished, job, run, store, gzip } = this.#place;
    const { signal, clock, onEvent } = this.#context;
    const name = await this.#freeName(rows);
    const now = () => clock.now();
    const request = { ledger, unfinished, job, table, run, store, name, gzip, signal, now };
    const content = { rows: this.#hashes(rows), count: rows.length, lastPosition, positions };
    const sizeBytes = await exportFile(request, this.#textOf(rows), content);
    const subject = `${this.#place.source}: ${this.#table.name}`;
    onEvent({
      type: 'exported',
      subject,
      file: name,
      store: store.location,
      rows: rows.length,
      bytes: sizeBytes,
    });
  }

  async *#textOf(rows: readonly RowValues[]): AsyncGenerator<Uint8Array> {
    yield Buffer.from(this.#text.head);
    for (let at = 0; at < rows.length; at += 1000)
      yield Buffer.from(
        rows
          .slice(at, at + 1000)
          .map(this.#text.line)
          .join(''),
      );
  }

  /** No file ever has the name of another, even of one that was taken away. */
  async #freeName(rows: readonly RowValues[]): Promise<string> {
    const { ledger, job, source, site, store, name: template } = this.#place;
    const [first = '', last = ''] = [rows[0], rows.at(-1)].map((row) => row && this.#order.keyOf(row));
    const table = this.#wish.table;
    for (let number = 1; ; number += 1) {
      const name = exportName(template, { site, source, table, first, last, job }, number);
      if (!ledger.hasFile(job, name) && !(await isTaken(store, name))) return name;
    }
  }

  /** What is there now counts as exported; it is not. */
  async #beginNow(table: number): Promise<void> {
    const position = await this.#table.last(this.#order.orderedBy);
    if (position === undefined) return this.#place.ledger.setPositions(table, { pending: [] });
    const rows: RowValues[] = [];
    const from = { position, overlap: this.#order.overlap };
    for await (const batch of this.#table.rows({
      orderBy: this.#order.orderedBy,
      thenBy: this.#order.thenBy,
      from,
    }))
      rows.push(...batch);
    if (rows.some((row) => this.#isAhead(row))) throw this.#aheadOfNow();
    const file = {
      run: this.#place.run,
      token: '',
      sizeBytes: 0,
      sha256: '',
      rows: rows.length,
      lastPosition: position,
    };
    const id = this.#place.ledger.intend(table, file, this.#hashes(rows), this.#context.clock.now());
    this.#place.ledger.confirm(id, table, { settled: position, pending: [] });
  }

  #aheadOfNow(): HoldfastError {
    return new HoldfastError(
      'ITEM_UNREADABLE',
      `${this.#table.name} has a row whose ${this.#order.orderedBy} is still to come, so that nothing tells what is new from now on`,
      { hint: 'correct the row, or begin with all rows: first: all' },
    );
  }

  /** Rows before the window are not met again. */
  async #forget(table: number, { settled }: Positions): Promise<void> {
    if (settled === undefined) return;
    const { ledger } = this.#place;
    const from = { position: settled, overlap: this.#order.overlap };
    const past: number[] = [];
    for (const { id, lastPosition } of ledger.filesWithRows(table))
      if (await this.#table.isBefore(this.#order.orderedBy, lastPosition, from)) past.push(id);
    if (past.length > 0) ledger.forgetRows(table, past);
  }

  #hashes(rows: readonly RowValues[]): RowHash[] {
    const counts = new Map<string, RowHash>();
    for (const row of rows) {
      const hash = this.#order.hash(row);
      const name = hash.toString('latin1');
      counts.set(name, { hash, count: (counts.get(name)?.count ?? 0) + 1 });
    }
    return [...counts.values()];
  }
}

const positionOf = (row: RowValues): string => row.at(-1) ?? '';

/** The rows of a file are held in memory, so it ends here even if more would be allowed. */
const largestFile = 64 * 1024 * 1024;

/** So many rows at once, or as many as there is room for. */
async function* filesOf(rows: AsyncIterable<RowValues>, maxRows: number): AsyncGenerator<RowValues[]> {
  let file: RowValues[] = [];
  let characters = 0;
  for await (const row of rows) {
    file.push(row);
    for (const value of row) characters += value?.length ?? 0;
    if (file.length < maxRows && characters < largestFile) continue;
    yield file;
    file = [];
    characters = 0;
  }
  if (file.length > 0) yield file;
}
