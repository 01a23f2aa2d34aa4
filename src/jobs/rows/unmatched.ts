// Which rows of a table are in one of two snapshots only. Their order does not matter, and memory does not grow with the table:
// first only hashes are compared, then the rows are read once more, and those taken that have no like on the other side.
import { hash } from 'node:crypto';
import { HashTally, type RowHash } from './hash-tally.ts';

/** Before and after. */
export type Sides<Item> = readonly [before: Item, after: Item];

/** Reads a table from its beginning, each time it is called; some rows at once, each valid until the next are asked for. */
export type ReadRows = () => AsyncIterable<readonly Uint8Array[]>;

export interface Unmatched {
  /** How many rows only this side has. */
  readonly counts: Sides<number>;
  /** The rows, in the order in which they were read; undefined where they are too many to be held. */
  readonly rows: Sides<readonly Buffer[]> | undefined;
}

export interface Limits {
  /** Of the rows that are held in the end. */
  readonly bytes: number;
  readonly rows: number;
  /** Of the rows that may wait for their like. */
  readonly hashes: number;
}

const limits: Limits = { bytes: 128 * 1024 * 1024, rows: 1_000_000, hashes: 2_900_000 };

export const unmatchedRows = async (
  sides: Sides<ReadRows>,
  { bytes, ...most }: Limits = limits,
): Promise<Unmatched> => {
  const { rest, counts } = await compare(sides, most);
  const none = counts[0] === 0 && counts[1] === 0;
  return { counts, rows: none ? [[], []] : rest && (await collect(sides, rest, bytes)) };
};

interface Compared {
  readonly counts: Sides<number>;
  /** The hashes of all that is counted; undefined where these are more than the limit. */
  readonly rest: HashTally | undefined;
}

/** Where more rows than a tally can hold wait for their like, each part of the hashes takes a reading of its own. */
const compare = async (sides: Sides<ReadRows>, most: Omit<Limits, 'bytes'>): Promise<Compared> => {
  for (let parts = 1; ; parts *= 2) {
    const compared = await compareIn(parts, sides, most);
    if (compared) return compared;
  }
};

const compareIn = async (
  parts: number,
  sides: Sides<ReadRows>,
  { rows, hashes }: Omit<Limits, 'bytes'>,
): Promise<Compared | undefined> => {
  const counts: [number, number] = [0, 0];
  const rest = new HashTally();
  for (let part = 0; part < parts; part += 1) {
    const tally = new HashTally();
    await eachRow(sides, (row, side) => {
      const rowHash = hashOf(row);
      if (partOf(rowHash, parts) === part) tally.add(rowHash, side === 0 ? 1 : -1);
      return tally.size <= hashes;
    });
    if (tally.size > hashes) return undefined;
    for (const [rowHash, count] of tally.entries()) {
      counts[count > 0 ? 0 : 1] += Math.abs(count);
      if (rest.size <= rows) rest.add(rowHash, count);
    }
  }
  return { counts, rest: counts[0] + counts[1] <= rows ? rest : undefined };
};

const collect = async (
  sides: Sides<ReadRows>,
  rest: HashTally,
  limit: number,
): Promise<Sides<readonly Buffer[]> | undefined> => {
  const rows: Sides<Buffer[]> = [[], []];
  let bytes = 0;
  await eachRow(sides, (row, side) => {
    const rowHash = hashOf(row);
    const count = rest.count(rowHash);
    if (side === 0 ? count <= 0 : count >= 0) return true;
    rest.add(rowHash, side === 0 ? -1 : 1);
    rows[side].push(Buffer.from(row));
    bytes += row.length;
    return bytes <= limit && rest.size > 0;
  });
  return bytes > limit ? undefined : rows;
};

/** Both sides in step, so that rows which lie in the same order soon meet; until `take` returns false. */
const eachRow = async (
  sides: Sides<ReadRows>,
  take: (row: Uint8Array, side: 0 | 1) => boolean,
): Promise<void> => {
  const readers = [sides[0]()[Symbol.asyncIterator](), sides[1]()[Symbol.asyncIterator]()] as const;
  const bytes = [0, 0] as [number, number];
  try {
    while (Math.min(...bytes) < Number.POSITIVE_INFINITY) {
      const side = bytes[0] <= bytes[1] ? 0 : 1;
      const { done, value: rows = [] } = await readers[side].next();
      if (done) bytes[side] = Number.POSITIVE_INFINITY;
      for (const row of rows) {
        bytes[side] += row.length + 1;
        if (!take(row, side)) return;
      }
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.return?.()));
  }
};

/** Nobody can make two rows with the same one. Valid until the next is asked for. */
const hashOf = (row: Uint8Array): RowHash => {
  hash('sha256', row, 'buffer').copy(lastBytes);
  return lastHash;
};

const lastHash = new Int32Array(4);
const lastBytes = Buffer.from(lastHash.buffer);

/** By another word than the one that says where in a tally it lies. */
const partOf = (rowHash: RowHash, parts: number): number => ((rowHash[3] as number) >>> 0) % parts;
