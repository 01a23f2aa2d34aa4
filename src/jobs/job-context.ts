// What every job is given by whoever runs it.
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { StoreOptions } from '#stores/registry.ts';
import type { OnJobEvent } from './event.ts';

export interface JobContext {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly onEvent: OnJobEvent;
  /** What holds for every store of this run, whatever the configuration says. */
  readonly storeOptions?: StoreOptions;
  /** How long to wait for locks of others, in the place of what the job itself would. */
  readonly retryLockMs?: number;
}
