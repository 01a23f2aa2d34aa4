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
import { rest } from './rest/rest.ts';
import { s3 } from './s3/s3.ts';
import { sftp } from './sftp/sftp.ts';
import { localFolderOf, type Store } from './store.ts';
import { swift } from './swift/swift.ts';
import { withCache } from './wrappers/cache.ts';
import { withLimit } from './wrappers/limit.ts';
import { withRetry } from './wrappers/retry.ts';
import { withThrottle } from './wrappers/throttle.ts';

export const storeKinds: KindRegistry<Store> = registry(
  register(local),
  register(memory),
  register(rest),
  register(s3),
  register(sftp),
  register(swift),
);

/** A store that can be opened: its kind and that kind's configuration. */
export type StoreConfig = Configured<Store>;

/** True for a store that takes the objects of a repository and no other names, such as those of plain files. */
export const keepsRepositoriesOnly = ({ kind }: Pick<StoreConfig, 'kind'>): boolean => kind === rest.name;

export interface StoreOptions {
  /** KiB per second; absent or 0 is unlimited. */
  readonly limitUpload?: number | undefined;
  readonly limitDownload?: number | undefined;
  /** Where to keep what is read again and again from distant stores; nothing is kept when absent. */
  readonly cacheFolder?: string | undefined;
  /** For many small objects over SFTP, which mostly wait: so many calls for each connection that the store likes; one when absent. */
  readonly callsPerConnection?: number | undefined;
  /** How long failing calls are repeated; as long as `withRetry` likes when absent. */
  readonly patienceMs?: number | undefined;
}

/** Opens it; calls to a distant one are no more at once than it likes, and are repeated while they may yet succeed. */
export const openStore = async (
  config: StoreConfig,
  context: Context,
  options: StoreOptions = {},
): Promise<Store> => {
  const store = await config.open(context);
  // A disk of this machine that fails once fails again.
  if (localFolderOf(store) !== undefined) return throttled(store, context, options);
  // What waits for its share of the line holds no connection, and what is repeated takes its share again.
  const calls = (config.kind === sftp.name && options.callsPerConnection) || 1; // what HTTP clients have no connection for they keep back
  const limited = throttled(withLimit(store, store.connections * calls, context), context, options);
  const { cacheFolder, patienceMs } = options;
  const patient = withRetry(limited, {
    ...context,
    random: seededRandom(`${process.pid} ${Date.now()}`),
    ...(patienceMs !== undefined && { patienceMs }),
  });
  const isCached = cacheFolder !== undefined && config.kind !== memory.name;
  return isCached ? withCache(patient, { folder: cacheFolder, log: context.log }) : patient;
};

const throttled = (store: Store, context: Context, options: StoreOptions): Store => {
  const upload = bytesPerSecond(options.limitUpload);
  const download = bytesPerSecond(options.limitDownload);
  return upload === undefined && download === undefined
    ? store
    : withThrottle(store, { ...context, upload, download });
};

const bytesPerSecond = (kibPerSecond: number | undefined): number | undefined =>
  kibPerSecond ? kibPerSecond * 1024 : undefined;

/** The store that `-r` names: a folder ('/srv/backups', 'local:/srv/backups') or a URL of a known scheme. USAGE for others. */
export const storeFromUrl = (url: string): StoreConfig =>
  configuredByUrl(storeKinds, url, schemeOf(url) ?? local.name);
