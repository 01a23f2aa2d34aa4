// Where the files of a mirror are read.
import { z } from 'zod';
import { HoldfastError } from '#lib/errors.ts';
import { checkKey } from '#stores/guard.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { JobContext } from '../job-context.ts';
import { openPlainStore } from '../plain-store.ts';
import type { ListedFile } from './listed-file.ts';

/** By the names that the listing gives them; '' is for files of any. */
export type PlaceConfigs = Readonly<Record<string, StoreConfig>>;

export interface Places extends AsyncDisposable {
  /** Where all of them are, for people. */
  readonly location: string;
  readonly stores: readonly Store[];
  /** The store that has the file. Throws when there is none, or the file has a flaw or a path that leads out of it. */
  of(file: ListedFile): Store;
  /** The only one; for those who list it. */
  readonly only: Store | undefined;
}

/** Opens them all; nothing is connected before the first file is read. */
export const openPlaces = async (
  job: string,
  configs: PlaceConfigs,
  context: JobContext,
): Promise<Places> => {
  const opened = new Map<string, Place>();
  for (const [name, config] of Object.entries(configs))
    opened.set(name, { store: await openFor(job, config, context), bucket: bucketOf(config) });
  const stores = [...opened.values()].map(({ store }) => store);
  return {
    location: stores.map(({ location }) => location).join(', '),
    stores,
    of: (file) => placeOf(file, opened),
    only: stores.length === 1 ? stores[0] : undefined,
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store[Symbol.asyncDispose]();
    },
  };
};

/** A small file waits for the server's disk longer than it travels. */
const callsPerConnection = 5;

export const openFor = (job: string, config: StoreConfig, context: JobContext): Promise<Store> =>
  openPlainStore(job, config, context, { callsPerConnection });

interface Place {
  readonly store: Store;
  readonly bucket: string | undefined;
}

const withBucket = z.object({ bucket: z.string() });

const bucketOf = ({ config }: StoreConfig): string | undefined => withBucket.safeParse(config).data?.bucket;

const placeOf = (
  { flaw, path, key, place, bucket }: ListedFile,
  opened: ReadonlyMap<string, Place>,
): Store => {
  if (flaw) throw flaw;
  checkKey(path);
  checkKey(key);
  const found = opened.get(place) ?? opened.get('');
  if (!found)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `it is kept in ${place || 'a place without a name'}, which the job does not know`,
      {
        hint: `give "mirror" a store called ${place || 'so, and the query a column place'}`,
      },
    );
  if (bucket !== undefined && found.bucket !== undefined && found.bucket !== bucket)
    throw new HoldfastError(
      'ITEM_UNREADABLE',
      `it is kept in the bucket ${bucket}, and ${place} is ${found.bucket}`,
      {
        hint: 'tell the files of each bucket by a place of its own: the query may have a column place',
      },
    );
  return found.store;
};
