// A limit on speed, so that a backup leaves room on the line for others.
import type { Clock } from '#lib/clock.ts';
import { comparedPutsOf, largeObjectsOf, type Store } from '../store.ts';
import { aroundLarge } from './large-objects.ts';
import { passOn } from './pass-on.ts';

export interface ThrottleOptions {
  /** Bytes per second; absent is unlimited. */
  readonly upload?: number | undefined;
  readonly download?: number | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Spaces the objects out so that their bytes keep to the limits on average; one object travels as fast as it can. Locks do not queue
 * behind packs: one that is not renewed in time is lost, and the work with it.
 */
export const withThrottle = (store: Store, { upload, download, clock, signal }: ThrottleOptions): Store => {
  const up = meter(upload, clock);
  const down = meter(download, clock);
  const large = largeObjectsOf(store);
  const compared = comparedPutsOf(store);
  const wait = async (key: string, ms: number): Promise<void> => {
    if (ms > 0 && !key.startsWith('locks/')) await clock.sleep(ms, signal);
  };
  return {
    ...passOn(store),
    async put(key, bytes) {
      await wait(key, up.book(bytes.length));
      await store.put(key, bytes);
    },
    async get(key, range) {
      await wait(key, down.book(range?.length ?? 0));
      const bytes = await store.get(key, range);
      // How large a whole object is, is known now only: several that were asked for at once come out one after the other.
      if (range === undefined) await wait(key, down.book(bytes.length));
      return bytes;
    },
    ...(compared && {
      async putCompared(key: string, bytes: Uint8Array) {
        await wait(key, Math.max(up.book(bytes.length), down.book(bytes.length)));
        return await compared.putCompared(key, bytes);
      },
    }),
    ...(large &&
      aroundLarge(large, async (_call, key, sizeBytes, work) => {
        await wait(key, up.book(sizeBytes));
        return await work();
      })),
  };
};

interface Meter {
  /** Reserves the line for so many bytes and returns how long to wait until it is free. */
  book(bytes: number): number;
}

const meter = (bytesPerSecond: number | undefined, clock: Clock): Meter => {
  if (bytesPerSecond === undefined) return { book: () => 0 };
  let freeAtMs = 0;
  let beforeMs = 0;
  return {
    book(bytes) {
      const nowMs = clock.now().getTime();
      freeAtMs -= Math.max(0, beforeMs - nowMs); // a clock that is set back makes nobody wait until it is as late again
      beforeMs = nowMs;
      const startMs = Math.max(nowMs, freeAtMs);
      freeAtMs = startMs + (bytes / bytesPerSecond) * 1000;
      return startMs - nowMs;
    },
  };
};
