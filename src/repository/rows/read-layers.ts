// A file in layers as the stream that it was, and its rows by their prints.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowPrinter, type PrintedRows } from '#lib/row-prints.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { readContent } from '../reading/read-content.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../trees/tree.ts';
import { GatheredPrints, keepsPrints, keptPrints, printKey } from './kept-prints.ts';
import { KeptRows } from './kept-rows.ts';
import { bytesOf, idsOf, type Layers, layersIn } from './layers.ts';
import { parseRowNumbers, RowNumbers } from './row-numbers.ts';
import { RowTable } from './row-table.ts';

/** Where blobs come from. */
export interface Reading {
  readonly session: Session;
  readonly reader: BlobReader;
}

/** The bytes of the file in whose place the directory is; each view is good until a later pull. REPOSITORY_DAMAGED. */
export async function* readInLayers(reading: Reading, directory: TreeNode): AsyncGenerator<Uint8Array> {
  const of = await layersIn(reading.session, directory);
  const files = new LayerFiles(reading, of);
  const gone = await files.goneRows();
  const kept = new KeptRows(gone, of.format);
  let bytes = 0;
  for await (const chunk of files.rows()) {
    const part = kept.of(chunk);
    bytes += part.length;
    if (part.length > 0) yield part;
  }
  files.end(kept.gone === gone.size && bytes === of.sizeBytes);
}

export interface TableOptions {
  /** About how many there are. */
  readonly expectedRows: number;
  readonly mostRows: number;
}

/** Rows that went are `found` from the beginning: they are not in the table. Undefined when there are more than that, or one without an end. */
export const readTable = async (
  reading: Reading,
  of: Layers,
  { expectedRows, mostRows }: TableOptions,
): Promise<{ readonly table: RowTable; readonly found: RowNumbers } | undefined> => {
  const files = new LayerFiles(reading, of);
  const found = await files.goneRows();
  const table = new RowTable(found, expectedRows);
  let goneBefore = 0;
  const take = (prints: Uint32Array): boolean => {
    for (let at = 0; at < prints.length; at += 3)
      if (found.has(table.rows + 1)) {
        table.passOver();
        goneBefore += 1;
      } else table.add(prints, at);
    return table.rows <= mostRows;
  };
  if (!(await files.prints(take))) return undefined;
  files.end(goneBefore === found.size);
  return { table, found };
};

/** The files of all layers, which may have no other bytes than they were stored with. All of a sort are read as one: each may lie in another pack. */
class LayerFiles {
  readonly #reading: Reading;
  readonly #of: Layers;
  #bytes = 0;

  constructor(reading: Reading, of: Layers) {
    this.#reading = reading;
    this.#of = of;
  }

  rows(): AsyncGenerator<Uint8Array> {
    return this.#read(this.#of.layers.map(({ rows }) => rows));
  }

  /** Gives the prints of all rows until `take` wants no more. False then, and for a row without an end. */
  async prints(take: (prints: Uint32Array) => boolean): Promise<boolean> {
    const layers = this.#of.layers.map(({ rows }) => rows);
    if (!keepsPrints(this.#reading.session)) return await this.#printsOf(layers, take);
    for (const rows of layers) {
      const kept = await keptPrints(this.#reading.session, rows, this.#of.format);
      this.#bytes += kept ? (rows.meta.size ?? 0) : 0;
      const goesOn = kept ? take(kept) : await this.#printsOf([rows], take);
      if (!goesOn) return false;
    }
    return true;
  }

  async #printsOf(nodes: readonly TreeNode[], take: (prints: Uint32Array) => boolean): Promise<boolean> {
    const { session } = this.#reading;
    const { format } = this.#of;
    const printer = createRowPrinter(printKey(session), format);
    const gathered = new GatheredPrints(session);
    let isWanted = true;
    const onRows = ({ prints }: PrintedRows): void => {
      gathered.add(prints);
      isWanted &&= take(prints);
    };
    for await (const chunk of this.#read(nodes)) {
      printer.update(chunk, onRows);
      if (!isWanted) return false;
    }
    let isWhole = true;
    printer.finish(() => {
      isWhole = false;
    });
    if (isWhole) await gathered.keep(nodes, format);
    return isWhole;
  }

  async goneRows(): Promise<RowNumbers> {
    const { name, layers } = this.#of;
    const numbers = new RowNumbers();
    await parseRowNumbers(this.#read(layers.flatMap(({ gone }) => gone ?? [])), numbers, name);
    return numbers;
  }

  /** When all have been read; `fit`: each row that went was there, and nothing else was found wrong. */
  end(fit: boolean): void {
    const { name, layers } = this.#of;
    if (fit && this.#bytes === bytesOf(layers)) return;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `the layers of ${name} do not make the file that they were stored for`,
    );
  }

  async *#read(nodes: readonly TreeNode[]): AsyncGenerator<Uint8Array> {
    const { session, reader } = this.#reading;
    for await (const bytes of readContent(session, reader, idsOf(nodes))) {
      throwIfCancelled(session.signal);
      this.#bytes += bytes.length;
      yield bytes;
    }
  }
}
