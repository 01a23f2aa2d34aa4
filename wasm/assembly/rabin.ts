// Rabin fingerprints over a sliding window of 64 bytes, as github.com/restic/chunker computes them: the digest of a
// position is the polynomial of the 64 bytes before it (the first byte being the highest) modulo the irreducible one.

const WINDOW: usize = 64;
const DEGREE: u32 = 53;
const MASK: u32 = (1 << 20) - 1;

/** MOD[b] = (b·x^53 mod P) | b·x^53: one XOR takes the eight bits above the degree away. */
const MOD: usize = 0;
/** OUT[b] = b·x^512 mod P: what the byte that leaves the window still weighs after the next one is appended. */
const OUT: usize = 2048;
/** The first cut in each lane, or 0. */
const FOUND: usize = 4096;

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

/** How much one lane searches. A constant, so that the lanes' positions are offsets of the loads. */
const LANE: usize = 16384;

/** The lowest position in [from, to) whose digest ends in 20 zero bits, or `to`. The 64 bytes before `from` are there. */
export function rabinFind(from: usize, to: usize): usize {
  let at = from;
  for (; at + 4 * LANE <= to; at += 4 * LANE) {
    const found = findInLanes(at);
    if (found) return found;
  }
  let digest = digestAt(at);
  for (; at < to; at++) {
    if (isCut(digest)) return at;
    digest = slid(digest, at);
  }
  return to;
}

/**
 * The lowest cut in the four lanes from `from` on, or 0. A digest depends on its window alone, so the lanes are searched
 * side by side: the table look-ups of one hide behind those of the others.
 */
function findInLanes(from: usize): usize {
  let digest0 = digestAt(from);
  let digest1 = digestAt(from + LANE);
  let digest2 = digestAt(from + 2 * LANE);
  let digest3 = digestAt(from + 3 * LANE);
  memory.fill(FOUND, 0, 16);
  const end = from + LANE;
  for (let at = from; at < end; at++) {
    if (isCut(digest0)) return at;
    if (isCut(digest1)) note(1, at);
    if (isCut(digest2)) note(2, at);
    if (isCut(digest3)) note(3, at);
    digest0 = slid(digest0, at);
    digest1 = slid(digest1, at + LANE);
    digest2 = slid(digest2, at + 2 * LANE);
    digest3 = slid(digest3, at + 3 * LANE);
  }
  for (let lane: usize = 1; lane < 4; lane++) {
    const found = load<usize>(FOUND + lane * 4);
    if (found) return found;
  }
  return 0;
}

function note(lane: usize, at: usize): void {
  if (load<usize>(FOUND + lane * 4) == 0) store<usize>(FOUND + lane * 4, at + lane * LANE);
}

// @ts-ignore: decorator
@inline
function isCut(digest: u64): bool {
  return (<u32>digest & MASK) == 0;
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
