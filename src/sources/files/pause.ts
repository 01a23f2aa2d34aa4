// Blocking calls keep signals, timers and other work from their turn; a long loop of them pauses now and then.
import { setImmediate as turn } from 'node:timers/promises';

export interface Pause {
  /** Asked often; true a few times a second at most. */
  due(): boolean;
  take(): Promise<void>;
}

export const createPause = (everyMs = 15): Pause => {
  let last = performance.now();
  return {
    due: () => performance.now() - last >= everyMs,
    take: async () => {
      await turn();
      last = performance.now();
    },
  };
};
