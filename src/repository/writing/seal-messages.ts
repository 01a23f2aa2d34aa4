// What the coordinator and the workers of the write path say to each other.
import type { PlainError } from '#lib/plain-error.ts';
import type { PackEntry } from '../packs/blob.ts';
import type { SharedBlobs } from '../packs/blob-table.ts';
import type { SealKey } from '../sealing/seal.ts';
import type { TreePart } from '../trees/tree-parts.ts';

export interface SealWorkerData {
  readonly key: SealKey;
  readonly table: SharedBlobs;
  readonly level: number | undefined;
  readonly verify: boolean;
  /** Packs are written below this folder by the worker itself; without it they are handed back as bytes. */
  readonly localFolder: string | undefined;
  /** Where data blobs are handed over. */
  readonly slabs: readonly SharedArrayBuffer[];
  /** Name blobs, store nothing. */
  readonly dryRun: boolean;
}

export type SealRequest =
  /** Data blobs that lie one after another in a slab. */
  | {
      readonly kind: 'slab';
      readonly request: number;
      readonly slab: number;
      readonly lengths: readonly number[];
    }
  | {
      readonly kind: 'tree';
      readonly request: number;
      readonly id: string;
      readonly parts: readonly TreePart[];
    }
  /** A data blob that no slab holds. */
  | {
      readonly kind: 'large';
      readonly request: number;
      readonly id: string;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** Blobs of an old pack that go into new ones, sealed as they are: bytes `offset` to `offset + length` hold all of them. */
  | {
      readonly kind: 'repack';
      readonly request: number;
      readonly pack: string;
      readonly offset: number;
      readonly length: number;
      readonly blobs: readonly PackEntry[];
      readonly bytes?: Uint8Array;
    }
  | { readonly kind: 'table'; readonly table: SharedBlobs }
  /** From now on packs are written below this folder. */
  | { readonly kind: 'folder'; readonly localFolder: string }
  /** Close and hand over packs that are not full. */
  | { readonly kind: 'flush'; readonly request: number };

export interface BatchReply {
  readonly kind: 'batch';
  readonly request: number;
  /** 32 bytes a blob, in order. */
  readonly ids: Uint8Array;
  /** Bytes stored for each blob; 0 where the repository had it. */
  readonly stored: Uint32Array;
}

export type SealReply =
  | BatchReply
  | {
      readonly kind: 'pack';
      readonly id: string;
      /** Its header's plaintext: an object for each blob would take longer to hand over than to encrypt. */
      readonly header: Uint8Array;
      /** Only where the worker could not store it itself. */
      readonly bytes?: Uint8Array;
    }
  | ({ readonly kind: 'error' } & PlainError);
