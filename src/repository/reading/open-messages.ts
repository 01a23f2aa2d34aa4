// What the readers' coordinator and the workers of the read path say to each other.
import type { PlainError } from '#lib/plain-error.ts';
import type { PackEntry } from '../packs/blob.ts';
import type { SealKey } from '../sealing/seal.ts';

export interface OpenWorkerData {
  readonly key: SealKey;
  /** Packs are read from this folder by the worker itself; without it their bytes come with the request. */
  readonly localFolder: string | undefined;
}

/** Blobs that lie near each other in one pack: bytes `offset` to `offset + length` hold all of them. */
export interface BlobsRequest {
  readonly kind: 'blobs';
  readonly request: number;
  readonly pack: string;
  readonly offset: number;
  readonly length: number;
  readonly blobs: readonly PackEntry[];
  readonly bytes?: Uint8Array;
  /** Memory for the plaintexts that nobody uses any more; used when it is large enough. */
  readonly spare?: ArrayBuffer;
}

/** A whole pack, to be checked against its name, its header, and what the index says of it. */
export interface PackRequest {
  readonly kind: 'pack';
  readonly request: number;
  readonly pack: string;
  readonly entries: readonly PackEntry[];
  readonly bytes?: Uint8Array;
}

export type OpenRequest = BlobsRequest | PackRequest;

export type OpenReply =
  /** Plaintexts one after another in the order asked for; a failure stands in the place of a blob that could not be opened. */
  | {
      readonly kind: 'blobs';
      readonly request: number;
      readonly plain: ArrayBuffer;
      readonly lengths: readonly (number | PlainError)[];
    }
  | {
      readonly kind: 'pack';
      readonly request: number;
      readonly bytes: number;
      readonly problems: readonly string[];
    };
