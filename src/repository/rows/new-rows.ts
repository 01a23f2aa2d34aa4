// Reads a table again: what of it was not there before.
import { bufferOf } from '#lib/buffer-of.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { RowFormat } from '#lib/row-format.ts';
import { createRowPrinter } from '#lib/row-prints.ts';
import type { Content } from '#sources/source.ts';
import type { RowTable } from './row-table.ts';

/** A row that is longer counts as new wherever it is from, so that it need not be held until its end. */
const longestHeldBytes = 4 * 1024 * 1024;

/** Of a table that has more rows than are held at once. */
const pieceBytes = 64 * 1024;

export interface NewRowsOptions {
  readonly signal: AbortSignal;
  /** Of the content, as they pass. */
  onBytes(bytes: number): void;
  /** Called for each row that is new. */
  onNew(): void;
}

/** Where rows are looked for, and by what. */
export interface Known {
  readonly table: RowTable;
  /** Puts the rows that the table wants. */
  readWanted(): Promise<void>;
  readonly format: RowFormat;
  /** Of the table's prints. */
  readonly key: Uint8Array;
}

/** The rows that the table does not have, each view good until a later pull. Those that it has are found there. */
export async function* newRows(
  content: Content,
  known: Known,
  { signal, onBytes, onNew }: NewRowsOptions,
): AsyncGenerator<Uint8Array> {
  const { table, format, key } = known;
  const printer = createRowPrinter(key, format);
  /** Of a row that goes on in the next chunk. */
  const begun = new Begun();
  for await (const bytes of table.slides ? besideEarlierRows(content, known) : content) {
    throwIfCancelled(signal); // nobody else looks while nothing is new
    onBytes(bytes.length);
    const chunk = bufferOf(bytes);
    const gathered = new Gathered(chunk);
    let end = 0;
    printer.update(chunk, ({ count, prints, ends }) => {
      for (let row = 0; row < count; row += 1) {
        const isNew = (end === 0 && begun.isNew) || !table.find(prints, 3 * row);
        if (end === 0) begun.isNew = isNew;
        if (isNew) {
          gathered.take(end, ends[row] as number);
          onNew();
        }
        end = ends[row] as number;
      }
    });
    if (end > 0) {
      if (begun.isNew) yield* begun.taken();
      begun.clear();
    }
    if (gathered.length > 0) yield gathered.bytes;
    if (end < chunk.length) begun.add(chunk.subarray(end));
    if (begun.bytes <= longestHeldBytes) continue;
    begun.isNew = true;
    yield* begun.taken();
  }
  if (begun.bytes > 0 || begun.isNew)
    throw new HoldfastError('FAILED', 'the source gave rows of which the last one has no end');
}

/** Few rows end in a piece: those that are wanted for the next ones can be put in time. */
async function* besideEarlierRows(content: Content, known: Known): AsyncGenerator<Uint8Array> {
  for await (const bytes of content)
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (known.table.wants) await known.readWanted();
      yield bytes.subarray(at, at + pieceBytes);
    }
}

/** What is held of a row whose end is to come. */
class Begun {
  isNew = false;
  bytes = 0;
  #parts: Buffer[] = [];

  add(part: Buffer): void {
    this.#parts.push(Buffer.from(part));
    this.bytes += part.length;
  }

  taken(): Buffer[] {
    const parts = this.#parts;
    this.#parts = [];
    this.bytes = 0;
    return parts;
  }

  clear(): void {
    this.taken();
    this.isNew = false;
  }
}

/** Parts of a chunk, one after the other. */
class Gathered {
  readonly #chunk: Buffer;
  #bytes = Buffer.alloc(0);
  length = 0;

  constructor(chunk: Buffer) {
    this.#chunk = chunk;
  }

  take(from: number, end: number): void {
    if (this.length === 0) this.#bytes = Buffer.allocUnsafe(this.#chunk.length - from);
    this.length += this.#chunk.copy(this.#bytes, this.length, from, end);
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
