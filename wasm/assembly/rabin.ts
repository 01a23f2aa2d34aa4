// Rabin fingerprints over a sliding window of 64 bytes, as github.com/restic/chunker computes them: the digest of a
// position is the polynomial of the 64 bytes before it (the first byte being the highest) modulo the irreducible one.

const WINDOW: usize = 64;
const DEGREE: u32 = 53;
const MASK: u64 = (1 << 20) - 1;

/** MOD[b] = (b·x^53 mod P) | b·x^53: one XOR takes the eight bits above the degree away. */
const MOD: usize = 0;
/** OUT[b] = b·x^512 mod P: what the byte that leaves the window still weighs after the next one is appended. */
const OUT: usize = 2048;

/** Fills the tables for one polynomial. */
export function rabinStart(polynomial: u64): void {
  for (let byte: u64 = 0; byte < 256; byte++) {
    const above = byte << DEGREE;
    store<u64>(MOD + (<usize>byte << 3), multiplied(byte, DEGREE, polynomial) | above);
    store<u64>(OUT + (<usize>byte << 3), multiplied(byte, 512, polynomial));
  }
}

/** value·x^bits mod polynomial. */
function multiplied(value: u64, bits: u32, polynomial: u64): u64 {
  for (let i: u32 = 0; i < bits; i++) {
    value <<= 1;
    if ((value >> DEGREE) & 1) value ^= polynomial;
  }
  return value;
}

/**
 * The lowest position in [from, to) whose digest ends in 20 zero bits, or `to`. The 64 bytes before `from` are there.
 * A digest depends on its window alone, so four stretches are searched side by side: the table look-ups of one
 * lane hide behind those of the others.
 */
export function rabinFind(from: usize, to: usize): usize {
  const stretch = (to - from) >> 2;
  const start1 = from + stretch;
  const start2 = start1 + stretch;
  const start3 = start2 + stretch;
  let digest0 = digestAt(from);
  let digest1 = digestAt(start1);
  let digest2 = digestAt(start2);
  let digest3 = digestAt(start3);
  let found1: usize = 0;
  let found2: usize = 0;
  let found3: usize = 0;
  for (let at = from; at < start1; at++) {
    if ((digest0 & MASK) == 0) return at;
    if ((digest1 & MASK) == 0 && found1 == 0) found1 = at + stretch;
    if ((digest2 & MASK) == 0 && found2 == 0) found2 = at + 2 * stretch;
    if ((digest3 & MASK) == 0 && found3 == 0) found3 = at + 3 * stretch;
    digest0 = slid(digest0, at);
    digest1 = slid(digest1, at + stretch);
    digest2 = slid(digest2, at + 2 * stretch);
    digest3 = slid(digest3, at + 3 * stretch);
  }
  if (found1) return found1;
  if (found2) return found2;
  if (found3) return found3;
  for (let at = start3 + stretch; at < to; at++) {
    if ((digest3 & MASK) == 0) return at;
    digest3 = slid(digest3, at);
  }
  return to;
}

function digestAt(position: usize): u64 {
  let digest: u64 = 0;
  for (let at = position - WINDOW; at < position; at++) digest = appended(digest, load<u8>(at));
  return digest;
}

// @ts-ignore: decorator
@inline
function appended(digest: u64, byte: u64): u64 {
  return ((digest << 8) | byte) ^ load<u64>(MOD + (<usize>(digest >> (DEGREE - 8)) << 3));
}

/** The digest of position + 1 from that of position. */
// @ts-ignore: decorator
@inline
function slid(digest: u64, position: usize): u64 {
  return appended(digest, load<u8>(position)) ^ load<u64>(OUT + (<usize>load<u8>(position - WINDOW) << 3));
}
