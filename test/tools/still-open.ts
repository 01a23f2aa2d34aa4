// What ends a little after it was told to: connections, and what a server has for each.
import { setTimeout as wait } from 'node:timers/promises';

/** Counts until nothing is left, for half a minute at most, which a busy machine may take; the last count. */
export const stillOpen = async (count: () => number | Promise<number>): Promise<number> => {
  for (const end = Date.now() + 30_000; Date.now() < end; await wait(5)) if ((await count()) === 0) return 0;
  return await count();
};
