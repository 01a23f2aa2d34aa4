// Keyed gear hash: the hash of a position is the sum of TABLE[byte] << distance over the 64 bytes before it (modulo 2^64;
// older bytes are shifted out). A position is a cut when its hash is the lowest within a horizon on both sides, so that no
// more than that decides where it is: bytes that come or go move the cuts near them and no others.

/** 256 u64 that the caller writes before the first search. */
const TABLE: usize = 0;

/**
 * Low positions, each lower than all before it in the horizon: a ring of [hash, position] as two u64, where the position is
 * the last one with that hash, counted from the beginning of the chunk.
 */
const LOWS: usize = 2048;
const LOWS_MASK: u32 = 1023;

let horizon: usize = 0;
let longest: usize = 0;
/** Only lower hashes are looked at: about 16 in each horizon, so that the lowest is among them. */
let limit: u64 = 0;

/** How much of the chunk is searched, and the hash of that position. */
let searched: usize = 0;
let hash: u64 = 0;
let firstLow: u32 = 0;
let endOfLows: u32 = 0;
/** The position that will be a cut unless a lower one follows within the horizon; 0 when there is none. */
let lowest: usize = 0;

/** Chunks will have about 2^averageBits bytes, more than half of that and at most four times as many. */
export function gearStart(averageBits: u32): void {
  horizon = 1 << (averageBits - 1);
  longest = 4 << averageBits;
  limit = 1 << (64 - (averageBits - 5));
  gearReset();
}

/** Another stream begins. */
export function gearReset(): void {
  searched = 0;
  hash = 0;
  firstLow = endOfLows = 0;
  lowest = 0;
}

/**
 * Where the chunk that lies at `start` ends; 0 when more than what lies before `end` must be known to tell. The next one
 * begins there, wherever that lies by then. After the stream's last byte, what is left is a chunk.
 */
export function gearCut(start: usize, end: usize, last: bool): usize {
  for (;;) {
    if (lowest > 0 && searched >= lowest + horizon) return cutAfter(lowest, start);
    if (lowest == 0 && searched >= longest) return cutAfter(longest, start);
    const to = min(end, start + (lowest > 0 ? lowest + horizon : longest));
    if (start + searched >= to) break;
    searched = nextLow(start + searched, to) - start;
    if (hash < limit) note(searched);
  }
  return last && end > start ? cutAfter(min(longest, end - start), start) : 0;
}

/** What is known of the bytes behind the cut is known of the next chunk. */
function cutAfter(length: usize, start: usize): usize {
  while (firstLow != endOfLows && positionOf(firstLow) <= length) firstLow++;
  for (let at = firstLow; at != endOfLows; at++) store<u64>(low(at), positionOf(at) - length, 8);
  searched -= length;
  lowest = 0;
  return start + length;
}

function note(position: usize): void {
  while (firstLow != endOfLows && positionOf(firstLow) + horizon < position) firstLow++;
  while (firstLow != endOfLows && load<u64>(low(endOfLows - 1)) > hash) endOfLows--;
  if (firstLow == endOfLows) lowest = position > horizon && position <= longest ? position : 0;
  else if (load<u64>(low(endOfLows - 1)) == hash) endOfLows--;
  if (endOfLows - firstLow > LOWS_MASK) return; // nothing gets here but bytes made for it by who knows the table
  store<u64>(low(endOfLows), hash);
  store<u64>(low(endOfLows), position, 8);
  endOfLows++;
}

function positionOf(at: u32): usize {
  return <usize>load<u64>(low(at), 8);
}

// @ts-ignore: decorator
@inline
function low(at: u32): usize {
  return LOWS + <usize>((at & LOWS_MASK) << 4);
}

/** Takes bytes from `at` on until the hash is below the limit, or up to `to`; gives the position that it got to. */
function nextLow(at: usize, to: usize): usize {
  const below = limit;
  let sum = hash;
  for (; at + 4 <= to; at += 4) {
    sum = slid(sum, at);
    if (sum < below) return reached(at + 1, sum);
    sum = slid(sum, at + 1);
    if (sum < below) return reached(at + 2, sum);
    sum = slid(sum, at + 2);
    if (sum < below) return reached(at + 3, sum);
    sum = slid(sum, at + 3);
    if (sum < below) return reached(at + 4, sum);
  }
  while (at < to) {
    sum = slid(sum, at++);
    if (sum < below) break;
  }
  return reached(at, sum);
}

// @ts-ignore: decorator
@inline
function reached(at: usize, sum: u64): usize {
  hash = sum;
  return at;
}

// @ts-ignore: decorator
@inline
function slid(sum: u64, position: usize): u64 {
  return (sum << 1) + load<u64>(TABLE + (<usize>load<u8>(position) << 3));
}
