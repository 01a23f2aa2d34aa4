// A pack: sealed blobs one after another, then a sealed header that lists them, then the header's length (uint32 LE).
// Source: restic's design document, «Pack Format».
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError } from '#lib/errors.ts';
import { overheadBytes, type Sealer } from '../sealing/seal.ts';
import { type BlobType, idBytes, type PackEntry } from './blob.ts';

/** Bytes of a header's entry without and with a plain length. */
const plainEntryBytes = 37;
const compressedEntryBytes = 41;
export const lengthBytes = 4;

const codes = { data: 0, tree: 1 } as const;
const compressedBit = 2;

/** A header's plaintext as the pack grows: an object for each blob would be moved about by the collector of garbage until then. */
export class HeaderWriter {
  #bytes = Buffer.alloc(64 * compressedEntryBytes);
  #used = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ id, type, length, plainLength }: Omit<PackEntry, 'offset'>): void {
    if (this.#used + compressedEntryBytes > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length);
    const header = this.#bytes;
    let at = header.writeUInt8(codes[type] | (plainLength > 0 ? compressedBit : 0), this.#used);
    at = header.writeUInt32LE(length, at);
    if (plainLength > 0) at = header.writeUInt32LE(plainLength, at);
    this.#used = at + header.write(id, at, 'hex');
    this.#count += 1;
  }

  /** All of it, in memory of its own; the next one is empty. */
  finish(): Uint8Array<ArrayBuffer> {
    const header = new Uint8Array(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    this.#count = 0;
    return header;
  }
}

/** The entries of a header's plaintext; throws an Error that says what is wrong with it. */
export const decodeHeader = (plain: Uint8Array): PackEntry[] => {
  const header = bufferOf(plain);
  const entries: PackEntry[] = [];
  let offset = 0;
  for (let at = 0; at < header.length; ) {
    const code = header.readUInt8(at);
    const compressed = (code & compressedBit) !== 0;
    const size = compressed ? compressedEntryBytes : plainEntryBytes;
    if (code > 3 || at + size > header.length) throw new Error(`its header has a bad entry at byte ${at}`);
    const type: BlobType = (code & 1) === codes.tree ? 'tree' : 'data';
    const length = header.readUInt32LE(at + 1);
    const plainLength = compressed ? header.readUInt32LE(at + 5) : 0;
    if (compressed && plainLength === 0)
      throw new Error(`its header has an empty compressed blob at byte ${at}`);
    entries.push({
      id: header.toString('hex', at + size - idBytes, at + size),
      type,
      offset,
      length,
      plainLength,
    });
    offset += length;
    at += size;
  }
  return entries;
};

/** Whether both list the same blobs in the same places, in whatever order. */
export const areSameEntries = (some: readonly PackEntry[], others: readonly PackEntry[]): boolean =>
  describe(some) === describe(others);

const describe = (entries: readonly PackEntry[]): string =>
  entries
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ id, type, offset, length, plainLength }) => `${id} ${type} ${offset} ${length} ${plainLength}`)
    .join();

/** The size of the whole pack file that holds these entries. */
export const packBytes = (entries: readonly PackEntry[]): number =>
  entries.reduce(
    (sum, entry) => sum + entry.length + (entry.plainLength > 0 ? compressedEntryBytes : plainEntryBytes),
    overheadBytes + lengthBytes,
  );

/** Reads a pack's entries from its end, by ranged reads. `what` names the pack in errors. */
export const readHeader = async (
  sealer: Sealer,
  sizeBytes: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
  what: string,
): Promise<PackEntry[]> => {
  const damaged = (why: string): HoldfastError =>
    new HoldfastError('REPOSITORY_DAMAGED', `${what} is damaged: ${why}`);
  if (sizeBytes < lengthBytes + overheadBytes) throw damaged(`it has only ${sizeBytes} bytes`);
  const tailBytes = Math.min(sizeBytes, 16_384);
  let tail = Buffer.from(await read(sizeBytes - tailBytes, tailBytes));
  const headerBytes = tail.readUInt32LE(tailBytes - lengthBytes);
  if (headerBytes < overheadBytes || headerBytes > sizeBytes - lengthBytes)
    throw damaged(`its header would have ${headerBytes} bytes`);
  if (headerBytes + lengthBytes > tailBytes)
    tail = Buffer.from(await read(sizeBytes - lengthBytes - headerBytes, headerBytes + lengthBytes));
  const sealed = tail.subarray(tail.length - lengthBytes - headerBytes, tail.length - lengthBytes);
  const header = sealer.tryOpen(sealed);
  if (!header) throw damaged("its header's authentication code does not fit");
  try {
    return decodeHeader(header);
  } catch (cause) {
    throw damaged(cause instanceof Error ? cause.message : String(cause));
  }
};
