// Hashes rows as they pass and adds the hashes up. What the hash is, src/lib/row-checksum.ts says.
import { lowBytes, newlineMarks } from './words';

// The state of one counter, in the head: the caller keeps it between calls.
const ROWS: usize = 0;
const SUM_A: usize = 8;
const SUM_B: usize = 16;
/** Of the row that is under way: both lanes, and how many of its bytes are in them. */
const LANE_A: usize = 24;
const LANE_B: usize = 32;
const LENGTH: usize = 40;
/** BSON only: how many bytes of the document are still to come, or DAMAGED. */
const LEFT: usize = 48;

const DAMAGED: u64 = u64.MAX_VALUE;
/** An int32 length, which counts itself, and a zero byte. */
const SMALLEST_DOCUMENT: u64 = 5;
const LARGEST_DOCUMENT: u64 = i32.MAX_VALUE;

const START_A: u64 = 0x9e3779b97f4a7c15;
const START_B: u64 = 0xd1b54a32d192ed03;
const WORD_A: u64 = 0xc2b2ae3d27d4eb4f;
const WORD_B: u64 = 0x9fb21c651e98df25;
const LANE_FACTOR_A: u64 = 0x9e3779b185ebca87;
const LANE_FACTOR_B: u64 = 0xbf58476d1ce4e5b9;
const FINISH_1: u64 = 0xff51afd7ed558ccd;
const FINISH_2: u64 = 0xc4ceb9fe1a85ec53;

/** Begins a count. */
export function rowsStart(): void {
  memory.fill(ROWS, 0, 56);
  keepLanes(START_A, START_B, 0);
}

/**
 * Takes rows that end in a newline from [at, end) and gives the position up to which it got: fewer than 8 bytes are
 * left for the next call.
 */
export function lineRows(at: usize, end: usize): usize {
  let laneA = load<u64>(LANE_A);
  let laneB = load<u64>(LANE_B);
  let length = load<u64>(LENGTH);
  while (at + 8 <= end) {
    const word = load<u64>(at);
    const marks = newlineMarks(word);
    if (marks) {
      const bytes = (ctz(marks) >> 3) + 1;
      const rest = lowBytes(word, bytes);
      addRow(mixedA(laneA, rest), mixedB(laneB, rest), length + bytes);
      laneA = START_A;
      laneB = START_B;
      length = 0;
      at += <usize>bytes;
    } else {
      laneA = mixedA(laneA, word);
      laneB = mixedB(laneB, word);
      length += 8;
      at += 8;
    }
  }
  keepLanes(laneA, laneB, length);
  return at;
}

/** Takes the last bytes, fewer than 8, that `lineRows` left; what follows the last newline is a row too. */
export function lineRowsEnd(at: usize, end: usize): void {
  let laneA = load<u64>(LANE_A);
  let laneB = load<u64>(LANE_B);
  let length = load<u64>(LENGTH);
  while (at < end) {
    const left = <u64>(end - at);
    const word = lowBytes(load<u64>(at), left);
    const marks = newlineMarks(word);
    const bytes = marks ? (ctz(marks) >> 3) + 1 : left;
    const rest = lowBytes(word, bytes);
    addRow(mixedA(laneA, rest), mixedB(laneB, rest), length + bytes);
    laneA = START_A;
    laneB = START_B;
    length = 0;
    at += <usize>bytes;
  }
  if (length > 0) addRow(laneA, laneB, length);
  keepLanes(START_A, START_B, 0);
}

/**
 * Takes BSON documents from [at, end) and gives the position up to which it got: fewer than 8 bytes are left for the
 * next call. A length that no document has stops it with LEFT set to DAMAGED.
 */
export function bsonRows(at: usize, end: usize): usize {
  let laneA = load<u64>(LANE_A);
  let laneB = load<u64>(LANE_B);
  let length = load<u64>(LENGTH);
  let left = load<u64>(LEFT);
  for (;;) {
    if (length == 0) {
      if (at + 4 > end) break;
      left = load<u32>(at);
      if (left < SMALLEST_DOCUMENT || left > LARGEST_DOCUMENT) {
        left = DAMAGED;
        break;
      }
    }
    const bytes = min<u64>(left, 8);
    if (at + <usize>bytes > end) break;
    const word = lowBytes(load<u64>(at), bytes);
    laneA = mixedA(laneA, word);
    laneB = mixedB(laneB, word);
    length += bytes;
    left -= bytes;
    at += <usize>bytes;
    if (left == 0) {
      addRow(laneA, laneB, length);
      laneA = START_A;
      laneB = START_B;
      length = 0;
    }
  }
  keepLanes(laneA, laneB, length);
  store<u64>(LEFT, left);
  return at;
}

function addRow(laneA: u64, laneB: u64, length: u64): void {
  store<u64>(ROWS, load<u64>(ROWS) + 1);
  store<u64>(SUM_A, load<u64>(SUM_A) + finished(laneA, length));
  store<u64>(SUM_B, load<u64>(SUM_B) + finished(laneB, length));
}

function keepLanes(laneA: u64, laneB: u64, length: u64): void {
  store<u64>(LANE_A, laneA);
  store<u64>(LANE_B, laneB);
  store<u64>(LENGTH, length);
}

// @ts-ignore: decorator
@inline
function mixedA(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * WORD_A, 31) * LANE_FACTOR_A;
}

// @ts-ignore: decorator
@inline
function mixedB(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * WORD_B, 29) * LANE_FACTOR_B;
}

// @ts-ignore: decorator
@inline
function finished(lane: u64, length: u64): u64 {
  lane ^= length;
  lane = (lane ^ (lane >> 33)) * FINISH_1;
  lane = (lane ^ (lane >> 29)) * FINISH_2;
  return lane ^ (lane >> 32);
}
