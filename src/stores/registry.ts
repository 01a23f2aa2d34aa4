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
import { local } from './local/local.ts';
import { memory } from './memory/memory.ts';
import { s3 } from './s3/s3.ts';
import { sftp } from './sftp/sftp.ts';
import type { Store } from './store.ts';

export const storeKinds: KindRegistry<Store> = registry(
  register(local),
  register(memory),
  register(s3),
  register(sftp),
);

/** A store that can be opened: its kind and that kind's configuration. */
export type StoreConfig = Configured<Store>;

export const openStore = (store: StoreConfig, context: Context): Promise<Store> => store.open(context);

/** The store that `-r` names: a folder ('/srv/backups', 'local:/srv/backups') or a URL of a known scheme. USAGE for others. */
export const storeFromUrl = (url: string): StoreConfig =>
  configuredByUrl(storeKinds, url, schemeOf(url) ?? local.name);
