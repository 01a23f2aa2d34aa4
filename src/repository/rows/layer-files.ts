// The files of all layers of a table, which may have no other bytes than they were stored with.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { readBlobs } from '../reading/read-content.ts';
import type { Session } from '../session.ts';
import { bytesOf, idsOf, type Layers } from './layers.ts';
import { parseRowNumbers, RowNumbers } from './row-numbers.ts';

/** Where blobs come from. */
export interface Reading {
  readonly session: Session;
  readonly reader: BlobReader;
}

export class LayerFiles {
  readonly reading: Reading;
  readonly of: Layers;
  #bytes = 0;

  constructor(reading: Reading, of: Layers) {
    this.reading = reading;
    this.of = of;
  }

  async goneRows(): Promise<RowNumbers> {
    const { name, layers } = this.of;
    const numbers = new RowNumbers();
    const files = layers.flatMap(({ gone }) => gone ?? []);
    const last = layers.reduce((sum, { rows }) => sum + (rows.meta.size ?? 0), 0); // no row is shorter than a byte
    await parseRowNumbers(this.read(idsOf(files)), numbers, { name, last });
    return numbers;
  }

  /** Blobs of these files, each as it is. Those of all files of a sort are best read as one: each may lie in another pack. */
  async *read(ids: Iterable<string>): AsyncGenerator<Uint8Array> {
    const { session, reader } = this.reading;
    for await (const bytes of readBlobs(session, reader, ids)) {
      throwIfCancelled(session.signal);
      this.#bytes += bytes.length;
      yield bytes;
    }
  }

  /** A file of so many bytes need not be read. */
  pass(bytes: number): void {
    this.#bytes += bytes;
  }

  /** When all have been read; `fit`: each row that went was there, and nothing else was found wrong. REPOSITORY_DAMAGED. */
  end(fit: boolean): void {
    const { name, layers } = this.of;
    if (fit && this.#bytes === bytesOf(layers)) return;
    throw new HoldfastError(
      'REPOSITORY_DAMAGED',
      `the layers of ${name} do not make the file that they were stored for`,
    );
  }
}
