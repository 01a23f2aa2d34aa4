// Bytes of text taken eight at a time, as little-endian words.

const NEWLINES: u64 = 0x0a0a0a0a0a0a0a0a;
const ONES: u64 = 0x0101010101010101;
const HIGH_BITS: u64 = 0x8080808080808080;

/** The high bit of every newline's byte; above the first newline there may be others too. */
// @ts-ignore: decorator
@inline
export function newlineMarks(word: u64): u64 {
  const zeros = word ^ NEWLINES;
  return (zeros - ONES) & ~zeros & HIGH_BITS;
}

/** The word with only its first bytes (1 to 8). */
// @ts-ignore: decorator
@inline
export function lowBytes(word: u64, bytes: u64): u64 {
  return word & (<u64>-1 >> (64 - (bytes << 3)));
}
