// Keyed gear hash: the hash of a position is the sum of TABLE[byte] << distance over the 64 bytes before it (modulo 2^64;
// older bytes are shifted out). A position is a cut when the hash is below a limit: a low one before the average
// length, a high one after it («normalised chunking»), so that lengths gather around the average.

const WINDOW: usize = 64;

/** 256 u64 that the caller writes before the first search. */
const TABLE: usize = 0;

let average: usize = 0;
let limitBefore: u64 = 0;
let limitAfter: u64 = 0;

/** Cuts have odds of 1 : 4·2^averageBits up to the average length, and of 4 : 2^averageBits beyond it. */
export function gearStart(averageBits: u32): void {
  average = 1 << averageBits;
  limitBefore = 1 << (64 - (averageBits + 2));
  limitAfter = 1 << (64 - (averageBits - 2));
}

/** The lowest cut in [from, to) of the chunk that began at `start`, or `to`. The 64 bytes before `from` are there. */
export function gearFind(start: usize, from: usize, to: usize): usize {
  const turn = start + average;
  if (from < turn) {
    const end = min(turn, to);
    const cut = firstBelow(limitBefore, from, end);
    if (cut < end || end == to) return cut;
    from = end;
  }
  return firstBelow(limitAfter, from, to);
}

function firstBelow(limit: u64, from: usize, to: usize): usize {
  let hash: u64 = 0;
  for (let at = from - WINDOW; at < from; at++) hash = slid(hash, at);
  let at = from;
  for (; at + 4 <= to; at += 4) {
    if (hash < limit) return at;
    hash = slid(hash, at);
    if (hash < limit) return at + 1;
    hash = slid(hash, at + 1);
    if (hash < limit) return at + 2;
    hash = slid(hash, at + 2);
    if (hash < limit) return at + 3;
    hash = slid(hash, at + 3);
  }
  for (; at < to; at++) {
    if (hash < limit) return at;
    hash = slid(hash, at);
  }
  return to;
}

// @ts-ignore: decorator
@inline
function slid(hash: u64, position: usize): u64 {
  return (hash << 1) + load<u64>(TABLE + (<usize>load<u8>(position) << 3));
}
