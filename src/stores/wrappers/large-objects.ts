// Large objects through a wrapper: each call on them passes through the wrapper as the calls on the store do.
import type { LargeObject, LargeObjects } from '../store.ts';

/** Makes one call; `sizeBytes` is what travels with it. */
export type Around = <Result>(
  call: string,
  key: string,
  sizeBytes: number,
  work: () => Promise<Result>,
) => Promise<Result>;

/** The same ability, with each call made by `around`. */
export const aroundLarge = (large: LargeObjects, around: Around): LargeObjects => ({
  beginLarge: async (key) =>
    aroundObject(await around('begin', key, 0, () => large.beginLarge(key)), key, around),
  wasCommitted: (key, token, sizeBytes) =>
    around('look for', key, 0, () => large.wasCommitted(key, token, sizeBytes)),
  abandonLarge: (key, token) => around('give up', key, 0, () => large.abandonLarge(key, token)),
  deleteLarge: (key) => around('delete', key, 0, () => large.deleteLarge(key)),
});

const aroundObject = (object: LargeObject, key: string, around: Around): LargeObject => ({
  token: object.token,
  pieceBytes: (number) => object.pieceBytes(number),
  putPiece: (piece, bytes) => around('put', key, bytes.length, () => object.putPiece(piece, bytes)),
  commit: () => around('finish', key, 0, () => object.commit()),
  abort: () => around('give up', key, 0, () => object.abort()),
});
