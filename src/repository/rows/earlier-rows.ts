// The rows that a snapshot has of a table, by their prints: all of them once, and then those again that a table of rows wants.
import type { RowFormat } from '#lib/row-format.ts';
import { createRowPrinter, type PrintedRows } from '#lib/row-prints.ts';
import type { TreeNode } from '../trees/tree.ts';
import { GatheredPrints, KeptPrints, keepsPrints, printKey, rowsANote } from './kept-prints.ts';
import { LayerFiles, type Reading } from './layer-files.ts';
import { idsOf, idsWithin, type Layers } from './layers.ts';
import { mostRowNumbers, type RowNumbers } from './row-numbers.ts';
import { RowTable, type RowTableOptions, type Run } from './row-table.ts';

export interface EarlierRows {
  readonly table: RowTable;
  /** Those that went are among them from the beginning. */
  readonly found: RowNumbers;
  /** Puts what the table wants. */
  readWanted(): Promise<void>;
}

/** Reads all that is there. Undefined when there are more rows than have numbers, or one has no end. REPOSITORY_DAMAGED. */
export const readEarlierRows = async (
  reading: Reading,
  of: Layers,
  options: RowTableOptions,
): Promise<EarlierRows | undefined> => {
  const files = new LayerFiles(reading, of);
  const found = await files.goneRows();
  const table = new RowTable(found, options);
  const prints = new LayerPrints(files, table);
  if (!(await prints.readAll())) return undefined;
  files.end(table.passedOver === found.size);
  table.end();
  return { table, found, readWanted: () => prints.readWanted() };
};

/** Layers whose rows are read as one. */
interface Part {
  readonly files: readonly TreeNode[];
  /** Of a part that is one layer. */
  readonly kept?: KeptPrints;
  /** Blobs with which layers begin. */
  readonly beginnings: ReadonlySet<number>;
}

/** Which row of a part, counted from 0, and in which blob it begins, if that blob was read. */
interface Place {
  readonly part: number;
  readonly row: number;
  readonly start?: { readonly blob: number; readonly byte: number };
}

/** Of a print. */
const words = 3;

class LayerPrints {
  readonly #files: LayerFiles;
  readonly #table: RowTable;
  readonly #format: RowFormat;
  readonly #key: Uint8Array;
  readonly #parts: readonly Part[];
  /** Of the first row of each segment. */
  readonly #places: Place[] = [];

  constructor(files: LayerFiles, table: RowTable) {
    const { session } = files.reading;
    const { layers, format } = files.of;
    this.#files = files;
    this.#table = table;
    this.#format = format;
    this.#key = printKey(session);
    const rows = layers.map((layer) => layer.rows);
    this.#parts = keepsPrints(session)
      ? rows.map((file) => ({ ...partOf([file]), kept: new KeptPrints(session, file, format) }))
      : [partOf(rows)];
  }

  /** False when there are too many rows, or one has no end. */
  async readAll(): Promise<boolean> {
    for (const part of this.#parts.keys()) {
      const before = this.#table.rows;
      const isAdded = (await this.#addKept(part)) || (await this.#addRows(part, this.#table.rows - before));
      if (!isAdded || this.#table.rows >= mostRowNumbers) return false;
    }
    return true;
  }

  /** Adds what is kept of a part; false when that is not all of it. */
  async #addKept(part: number): Promise<boolean> {
    const { kept, files } = this.#parts[part] as Part;
    for (let at = 0; ; at += 1) {
      const note = await kept?.note(at);
      if (!note) return false;
      if (at === 0) this.#table.beginLayer();
      const rows = note.prints.length / words;
      for (let row = 0; row < rows; row += 1) {
        if (this.#table.isAtSegment) this.#places.push({ part, row: at * rowsANote + row });
        this.#table.add(note.prints, words * row);
      }
      if (rows === rowsANote) continue;
      this.#files.pass(files[0]?.meta.size ?? 0);
      return true;
    }
  }

  /** Adds the rows of a part, but for so many that were added. */
  async #addRows(part: number, added: number): Promise<boolean> {
    const { files, kept, beginnings } = this.#parts[part] as Part;
    const printer = createRowPrinter(this.#key, this.#format);
    const gathered = kept && new GatheredPrints(kept);
    let [blob, blobAt, before] = [0, 0, 0];
    let next = { blob, byte: 0 };
    const onRows = (rows: PrintedRows): void => {
      gathered?.add(rows, blobAt);
      const { count, prints, ends } = rows;
      for (let row = Math.max(0, Math.min(count, added - before)); row < count; row += 1) {
        if (this.#table.isAtSegment) {
          const start = row === 0 ? next : { blob, byte: ends[row - 1] as number };
          this.#places.push({ part, row: before + row, start });
        }
        this.#table.add(prints, words * row);
      }
      before += count;
      next = { blob, byte: ends[count - 1] as number };
    };
    for await (const chunk of this.#files.read(idsOf(files))) {
      if (before >= added && beginnings.has(blob)) this.#table.beginLayer();
      printer.update(chunk, onRows);
      if (this.#table.rows >= mostRowNumbers) return false;
      await gathered?.keep();
      blob += 1;
      blobAt += chunk.length;
    }
    let isWhole = true;
    printer.finish(() => {
      isWhole = false;
    });
    if (isWhole) await gathered?.end();
    return isWhole;
  }

  async readWanted(): Promise<void> {
    for (const run of this.#table.takeWanted()) await this.#putRun(run);
  }

  /** Rows of which neither is to be had, what is kept or the blob, are not put, and count as new when they come. */
  async #putRun({ first, last }: Run): Promise<void> {
    const { segmentRows, rows } = this.#table;
    const end = Math.min((last + 1) * segmentRows, rows);
    let row = first * segmentRows;
    const put: Put = (prints, from) => {
      for (let at = words * from; at < prints.length && row < end; at += words)
        this.#table.put(++row, prints, at);
      return row < end;
    };
    let place = this.#places[first];
    while (place && row < end) {
      const before = row;
      if (!(await this.#putKept(place, put))) {
        if (!place.start) return;
        await this.#putRows({ ...place, start: place.start }, row - before, this.#places[last + 1], put);
      }
      const part: number = place.part + 1;
      place = part < this.#parts.length ? { part, row: 0, start: { blob: 0, byte: 0 } } : undefined;
    }
  }

  /** False when it is not kept, or not any more. */
  async #putKept({ part, row }: Place, put: Put): Promise<boolean> {
    for (let at = Math.floor(row / rowsANote), from = row % rowsANote; ; at += 1, from = 0) {
      const note = await this.#parts[part]?.kept?.note(at);
      if (!note) return false;
      if (!put(note.prints, from) || note.prints.length < words * rowsANote) return true;
    }
  }

  /** But for so many that were put. */
  async #putRows(
    { part, start: { blob, byte } }: Required<Place>,
    known: number,
    next: Place | undefined,
    put: Put,
  ): Promise<void> {
    const { files } = this.#parts[part] as Part;
    const printer = createRowPrinter(this.#key, this.#format);
    const end = next?.part === part && next.start ? next.start.blob + 1 : undefined;
    let [from, passed, goesOn] = [byte, 0, true];
    for await (const chunk of this.#files.read(idsWithin(files, blob, end))) {
      printer.update(chunk.subarray(from), ({ count, prints }) => {
        const first = Math.max(0, Math.min(count, known - passed));
        passed += count;
        goesOn &&= put(prints, first);
      });
      if (!goesOn) return;
      from = 0;
    }
  }
}

/** Takes the prints from that row of them on; false when no more are wanted. */
type Put = (prints: Uint32Array, from: number) => boolean;

const partOf = (files: readonly TreeNode[]): Part => {
  const beginnings = new Set<number>();
  let blobs = 0;
  for (const { content } of files) {
    beginnings.add(blobs);
    blobs += content?.length ?? 0;
  }
  return { files, beginnings };
};
