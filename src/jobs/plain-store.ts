// A store that keeps no repository: its objects are few, or read once, so nothing of it is kept beside it.
import { openStore, type StoreConfig, type StoreOptions } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from './job-context.ts';

/** `name` says for whom, in logs. */
export const openPlainStore = (
  name: string,
  config: StoreConfig,
  { signal, clock, log, storeOptions }: Pick<JobContext, 'signal' | 'clock' | 'log' | 'storeOptions'>,
  options: StoreOptions = {},
): Promise<Store> =>
  openStore(config, { name, signal, clock, log }, { ...storeOptions, cacheFolder: undefined, ...options });
