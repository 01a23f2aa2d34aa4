// A file in layers as the stream that it was, and its rows by their prints.
import { HoldfastError } from '#lib/errors.ts';
import { createRowPrinter, type PrintedRows } from '#lib/row-prints.ts';
import type { BlobReader } from '../blob-reader.ts';
import { readContent } from '../read-content.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../tree.ts';
import { KeptLines } from './kept-lines.ts';
import { keepPrints, keepsPrints, keptPrints, printKey } from './kept-prints.ts';
import { idsOf, type Layers } from './layers.ts';
import { LineSet, parseLines } from './line-set.ts';
import { RowTable } from './row-table.ts';

/** Where blobs come from. */
export interface Reading {
  readonly session: Session;
  readonly reader: BlobReader;
}

/** The bytes of the file; each view is good until a later pull. REPOSITORY_DAMAGED. */
export async function* readLayers(reading: Reading, of: Layers): AsyncGenerator<Uint8Array> {
  const kept = new KeptLines(await goneLines(reading, of));
  let bytes = 0;
  for (const { rows } of of.layers)
    for await (const chunk of read(reading, rows)) {
      const part = kept.of(chunk);
      bytes += part.length;
      if (part.length > 0) yield part;
    }
  if (bytes !== of.sizeBytes)
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `the layers of ${of.name} make ${bytes} bytes, and it had ${of.sizeBytes}`,
    );
}

/** Lines that went are `found` from the beginning: they are not in the table. Undefined when there are more lines than that, or one without an end. */
export const readTable = async (
  reading: Reading,
  of: Layers,
  mostLines: number,
): Promise<{ readonly table: RowTable; readonly found: LineSet } | undefined> => {
  const found = await goneLines(reading, of);
  const table = new RowTable(found);
  const take = (prints: Uint32Array): boolean => {
    for (let at = 0; at < prints.length; at += 3)
      if (found.has(table.lines + 1)) table.passOver();
      else table.add(prints, at);
    return table.lines <= mostLines;
  };
  for (const { rows } of of.layers) if (!(await printsOf(reading, rows, take))) return undefined;
  return { table, found };
};

/** Gives the prints of all rows, from those that are kept or else from the rows, until `take` wants no more. False then, and for a row without an end. */
const printsOf = async (
  reading: Reading,
  rows: TreeNode,
  take: (prints: Uint32Array) => boolean,
): Promise<boolean> => {
  const { session } = reading;
  const kept = await keptPrints(session, rows);
  if (kept) return take(kept);
  const printer = createRowPrinter(printKey(session));
  const all = keepsPrints(session) ? ([] as Uint32Array[]) : undefined;
  let isWanted = true;
  const onRows = ({ prints }: PrintedRows): void => {
    all?.push(prints.slice());
    isWanted &&= take(prints);
  };
  for await (const chunk of read(reading, rows)) {
    printer.update(chunk, onRows);
    if (!isWanted) return false;
  }
  let isWhole = true;
  printer.finish(() => {
    isWhole = false;
  });
  if (isWhole && all) await keepPrints(session, rows, all);
  return isWhole;
};

const goneLines = async (reading: Reading, { name, layers }: Layers): Promise<LineSet> => {
  const lines = new LineSet();
  for (const { gone } of layers)
    if (gone) await parseLines(read(reading, gone), lines, `${name}/${gone.name}`);
  return lines;
};

const read = ({ session, reader }: Reading, node: TreeNode): AsyncIterable<Uint8Array> =>
  readContent(session, reader, idsOf(node));
