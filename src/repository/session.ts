// An open repository's inner parts, shared by everything that reads and writes it.
import type { Log } from '#lib/log.ts';
import type { Store } from '#stores/store.ts';
import type { RepositoryConfig } from './config.ts';
import type { Lock } from './lock.ts';
import type { BlobIndex } from './packs/blob-index.ts';
import type { Sealer, SealKey } from './sealing/seal.ts';

export interface Session extends OpenStore {
  readonly blobs: BlobIndex;
}

/** The same before the index is read. */
export interface OpenStore {
  readonly store: Store;
  readonly key: SealKey;
  /** The key file that opened it. */
  readonly keyId: string;
  readonly sealer: Sealer;
  readonly config: RepositoryConfig;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Absent when it was opened without one. */
  readonly lock: Lock | undefined;
  /** zstd level; undefined stores blobs as they are. */
  readonly level: number | undefined;
  readonly verifyAfterSeal: boolean;
}
