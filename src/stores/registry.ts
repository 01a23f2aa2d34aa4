// Every kind of store there is. A new one is a folder here and a line below; its client loads when it is first opened.
import type { Context } from '#lib/kind.ts';
import {
  type Configured,
  configuredByUrl,
  type KindRegistry,
  register,
  registry,
  schemeOf,
} from '#lib/kind-registry.ts';
import { seededRandom } from '#lib/random.ts';
import { local } from './local/local.ts';
import { memory } from './memory/memory.ts';
import { s3 } from './s3/s3.ts';
import { sftp } from './sftp/sftp.ts';
import { localFolderOf, type Store } from './store.ts';
import { swift } from './swift/swift.ts';
import { withRetry } from './wrappers/retry.ts';

export const storeKinds: KindRegistry<Store> = registry(
  register(local),
  register(memory),
  register(s3),
  register(sftp),
  register(swift),
);

/** A store that can be opened: its kind and that kind's configuration. */
export type StoreConfig = Configured<Store>;

/** Opens it; calls to a distant one are repeated while they may yet succeed. */
export const openStore = async (config: StoreConfig, context: Context): Promise<Store> => {
  const store = await config.open(context);
  // A disk of this machine that fails once fails again.
  if (localFolderOf(store) !== undefined) return store;
  return withRetry(store, { ...context, random: seededRandom(`${process.pid} ${Date.now()}`) });
};

/** The store that `-r` names: a folder ('/srv/backups', 'local:/srv/backups') or a URL of a known scheme. USAGE for others. */
export const storeFromUrl = (url: string): StoreConfig =>
  configuredByUrl(storeKinds, url, schemeOf(url) ?? local.name);
