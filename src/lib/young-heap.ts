// How much is allocated before V8 collects what is young.
import { setFlagsFromString } from 'node:v8';

const keptBytes = 3 * 1024 * 1024;
const pieceBytes = 64 * 1024;

/**
 * Lets this thread's young heap have 8 MiB instead of 1, which spares a backup of many files a tenth of its time. V8 enlarges it
 * when as much survives as it holds, which code from a cache never does, and a running program can set no more than the factor: so
 * this keeps something until it has happened. Threads that are started later begin with 1 MiB, and stay there: theirs hold buffers of
 * much larger size, which are freed as late.
 */
export const growYoungHeap = (): void => {
  setFlagsFromString('--semi-space-growth-factor=8');
  const kept: number[][] = [];
  while (kept.length * pieceBytes < keptBytes) kept.push(new Array<number>(pieceBytes / 8).fill(0));
  setFlagsFromString('--semi-space-growth-factor=1');
};
