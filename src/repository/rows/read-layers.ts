// A file in layers as the stream that it was, and its rows by their prints.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { createRowPrinter } from '#lib/row-prints.ts';
import type { BlobReader } from '../blob-reader.ts';
import { readContent } from '../read-content.ts';
import type { Session } from '../session.ts';
import type { TreeNode } from '../tree.ts';
import { KeptLines } from './kept-lines.ts';
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

export interface TableOptions {
  /** Of the prints. */
  readonly key: Uint8Array;
  /** About how many there are. */
  readonly expectedLines: number;
  readonly mostLines: number;
}

/** Lines that went are `found` from the beginning: they are not in the table. Undefined when there are more lines than that, or one without an end. */
export const readTable = async (
  reading: Reading,
  of: Layers,
  { key, expectedLines, mostLines }: TableOptions,
): Promise<{ readonly table: RowTable; readonly found: LineSet } | undefined> => {
  const found = await goneLines(reading, of);
  const table = new RowTable(found, expectedLines);
  for (const { rows } of of.layers) {
    const printer = createRowPrinter(key);
    let isWhole = true;
    for await (const chunk of read(reading, rows)) {
      printer.update(chunk, ({ count, prints }) => {
        for (let row = 0; row < count; row += 1)
          if (found.has(table.lines + 1)) table.passOver();
          else table.add(prints, 3 * row);
      });
      if (table.lines > mostLines) return undefined;
    }
    printer.finish(() => {
      isWhole = false;
    });
    if (!isWhole) return undefined;
  }
  return { table, found };
};

const goneLines = async (reading: Reading, { name, layers }: Layers): Promise<LineSet> => {
  const lines = new LineSet();
  for (const { gone } of layers)
    if (gone) await parseLines(read(reading, gone), lines, `${name}/${gone.name}`);
  return lines;
};

async function* read({ session, reader }: Reading, node: TreeNode): AsyncGenerator<Uint8Array> {
  for await (const bytes of readContent(session, reader, idsOf(node))) {
    throwIfCancelled(session.signal);
    yield bytes;
  }
}
