// Hashes each row as it passes with SipHash-2-4 (Aumasson and Bernstein, 2012; its variant of 128 bits).
import { lowBytes, newlineMarks } from './words';

// The state of one printer, in the head: the caller keeps it between calls.
/** 16 bytes, written by the caller. */
const KEY: usize = 0;
/** Of the row that is under way: v0 to v3, and how many of its bytes are in them. */
const LANES: usize = 16;
const LENGTH: usize = 48;
/** How many rows the last call gave, read by the caller. */
const ROWS: usize = 56;
/** BSON only: how many bytes of the row are still to come. */
const LEFT: usize = 64;

/** A document that says it is shorter counts as this, so that each has its end. */
const SMALLEST_DOCUMENT: u64 = 5;

/** What is kept of a hash: 96 bits. */
const PRINT_BYTES: usize = 12;

/** Begins a stream with the key in the head. */
export function printsStart(): void {
  keepLanes(start0(), start1(), start2(), start3(), 0);
  store<u64>(LEFT, 0);
}

/**
 * Takes rows that end in a newline from [at, end) and gives the position up to which it got: fewer than 8 bytes are
 * left for the next call, and no end of a row among them. Of each row it writes the print to `prints` and its end, moved
 * by `shift`, to `ends`. It may look at the 8 bytes after the end.
 */
export function linePrints(at: usize, end: usize, shift: usize, prints: usize, ends: usize): usize {
  return rowPrints(at, end, shift, prints, ends, false);
}

/** The same of BSON documents. */
export function bsonPrints(at: usize, end: usize, shift: usize, prints: usize, ends: usize): usize {
  return rowPrints(at, end, shift, prints, ends, true);
}

// @ts-ignore: decorator
@inline
function rowPrints(at: usize, end: usize, shift: usize, prints: usize, ends: usize, isBson: bool): usize {
  const firstEnd = ends;
  let v0 = load<u64>(LANES);
  let v1 = load<u64>(LANES, 8);
  let v2 = load<u64>(LANES, 16);
  let v3 = load<u64>(LANES, 24);
  let length = load<u64>(LENGTH);
  let left = load<u64>(LEFT);
  for (;;) {
    const word = load<u64>(at);
    if (isBson && left == 0) {
      if (at + 4 > end) break;
      left = max<u64>(load<u32>(at), SMALLEST_DOCUMENT);
    }
    // Of the row: of lines 9 where the word has no newline.
    const bytes = isBson ? left : (ctz(newlineMarks(word)) >> 3) + 1;
    const taken = min<u64>(bytes, 8);
    if (at + <usize>taken > end) break;
    at += <usize>taken;
    length += taken;
    if (isBson) left -= taken;
    let rest: u64 = 0;
    if (bytes >= 8) {
      v3 ^= word;
      for (let round = 0; round < 2; round += 1) {
        v0 += v1;
        v2 += v3;
        v1 = rotl<u64>(v1, 13) ^ v0;
        v3 = rotl<u64>(v3, 16) ^ v2;
        v0 = rotl<u64>(v0, 32);
        v0 += v3;
        v2 += v1;
        v1 = rotl<u64>(v1, 17) ^ v2;
        v3 = rotl<u64>(v3, 21) ^ v0;
        v2 = rotl<u64>(v2, 32);
      }
      v0 ^= word;
      if (bytes > 8) continue;
    } else {
      rest = lowBytes(word, bytes);
    }
    writePrint(v0, v1, v2, v3, rest | (length << 56), prints);
    store<u32>(ends, <u32>(at + shift));
    prints += PRINT_BYTES;
    ends += 4;
    v0 = start0();
    v1 = start1();
    v2 = start2();
    v3 = start3();
    length = 0;
  }
  keepLanes(v0, v1, v2, v3, length);
  store<u64>(LEFT, left);
  store<u64>(ROWS, <u64>((ends - firstEnd) >> 2));
  return at;
}

/** Takes the last bytes, which these two left, and gives how many rows (0 or 1) have begun and not ended with them. */
export function printsEnd(at: usize, end: usize, prints: usize): u32 {
  const left = <u64>(end - at);
  const length = load<u64>(LENGTH) + left;
  if (length == 0) return 0;
  const rest: u64 = left > 0 ? lowBytes(load<u64>(at), left) : 0;
  writePrint(
    load<u64>(LANES),
    load<u64>(LANES, 8),
    load<u64>(LANES, 16),
    load<u64>(LANES, 24),
    rest | (length << 56),
    prints,
  );
  return 1;
}

/**
 * Takes the last word in two rounds and makes each half of the hash in four more. The round is written out here and in
 * `rowPrints`, since only the function whose locals the lanes are can change them.
 */
function writePrint(v0: u64, v1: u64, v2: u64, v3: u64, word: u64, print: usize): void {
  v3 ^= word;
  for (let round = 1; round <= 10; round += 1) {
    v0 += v1;
    v2 += v3;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 = rotl<u64>(v0, 32);
    v0 += v3;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 = rotl<u64>(v2, 32);
    if (round == 2) {
      v0 ^= word;
      v2 ^= 0xee;
    } else if (round == 6) {
      store<u64>(print, v0 ^ v1 ^ v2 ^ v3);
      v1 ^= 0xdd;
    }
  }
  store<u32>(print, <u32>(v0 ^ v1 ^ v2 ^ v3), 8);
}

function keepLanes(v0: u64, v1: u64, v2: u64, v3: u64, length: u64): void {
  store<u64>(LANES, v0);
  store<u64>(LANES, v1, 8);
  store<u64>(LANES, v2, 16);
  store<u64>(LANES, v3, 24);
  store<u64>(LENGTH, length);
}

// The lanes a row begins with: the key and "somepseudorandomlygeneratedbytes", with the mark of the 128-bit variant.
// @ts-ignore: decorator
@inline
function start0(): u64 {
  return load<u64>(KEY) ^ 0x736f6d6570736575;
}
// @ts-ignore: decorator
@inline
function start1(): u64 {
  return load<u64>(KEY, 8) ^ 0x646f72616e646f6d ^ 0xee;
}
// @ts-ignore: decorator
@inline
function start2(): u64 {
  return load<u64>(KEY) ^ 0x6c7967656e657261;
}
// @ts-ignore: decorator
@inline
function start3(): u64 {
  return load<u64>(KEY, 8) ^ 0x7465646279746573;
}
