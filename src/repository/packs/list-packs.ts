// The packs that a store has, whatever the index says.
import type { Store } from '#stores/store.ts';
import { packIdOf } from './blob.ts';

export interface StoredPack {
  readonly id: string;
  /** Bytes of the whole pack. */
  readonly size: number;
}

/** What lies among them and is no pack is passed over. */
export async function* listPacks(store: Store): AsyncGenerator<StoredPack> {
  for await (const { key, size } of store.list('data/')) {
    const id = packIdOf(key);
    if (id !== undefined) yield { id, size };
  }
}
