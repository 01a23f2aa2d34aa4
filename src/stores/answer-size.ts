// How much a server may answer: one that never ends must not fill the memory.
import type { ByteRange } from './store.ts';

const mib = 1024 * 1024;

/** Nothing that is stored in one piece has more. */
export const mostBytes = 1024 * mib;
/** Ten thousand names, as long as a service takes them, with every character spelled out. */
export const mostPageBytes = 64 * mib;

/** As much as was asked for; a whole key, lock, snapshot or config, which is read before it can be verified, has some kilobytes. */
export const mostBytesOf = (key: string, range?: ByteRange): number => {
  if (range) return range.length;
  return smallKey.test(key) ? 64 * mib : mostBytes;
};

const smallKey = /(?:^|\/)(?:config|(?:keys|locks|snapshots)\/[0-9a-f]{64})$/;

/** What a service says of what it does or refuses; a thousand names of S3, too. */
export const mostRefusalBytes = 16 * mib;

export const tooLong = (most: number): Error =>
  new Error(`the answer has more than ${most} bytes, and cannot be one to what was asked`);

/** Of what it says of an error, as much is told as somebody may read. */
export const longestSaid = 1000;

/** So slow no line is: whoever gives bytes one by one would be waited for for ever. */
const leastBytesPerSecond = 512;

/** As long as a timer can be. */
const longestMs = 2 ** 31 - 1;

/** How long an answer may take to begin, whatever comes instead of it, when so many bytes must be sent first. */
export const mostMsToAnswer = (silenceMs: number, sentBytes = 0): number =>
  Math.min(2 * silenceMs + (sentBytes / leastBytesPerSecond) * 1000, longestMs);

/**
 * Watches an answer come: `received` says how many bytes of it there are. Returns how to end the watch; it ends by itself when `onStuck`
 * is called. Silence is for others to notice, within the time that it may last.
 */
export const watchPace = (
  silenceMs: number,
  received: () => number,
  onStuck: (error: Error) => void,
): (() => void) => {
  const windowMs = 2 * silenceMs;
  const least = (leastBytesPerSecond * windowMs) / 1000;
  let before = received();
  const timer = setInterval(() => {
    const now = received();
    if (now - before < least) {
      clearInterval(timer);
      onStuck(new Error(`fewer than ${least} bytes came within ${windowMs / 1000} s`));
    }
    before = now;
  }, windowMs);
  timer.unref();
  return () => clearInterval(timer);
};
