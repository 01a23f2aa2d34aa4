import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON } from 'mongodb';
import { hasCode } from '#lib/errors.ts';
import { seededRandom } from '#lib/random.ts';
import { batchesOf, documentsOf } from './documents.ts';

const documents = Array.from({ length: 200 }, (_, index) =>
  Buffer.from(BSON.serialize({ _id: index, x: 'y'.repeat(index * 3) })),
);

/** In pieces of any size, in a buffer that is used again. */
function* inPieces(bytes: Uint8Array, seed: string): Generator<Uint8Array> {
  const random = seededRandom(seed);
  const buffer = Buffer.alloc(5000);
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + random.integer(1, buffer.length));
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    at += piece.length;
  }
}

test('documents come out as they went in, however they are cut', async () => {
  for (const seed of ['a', 'b', 'c']) {
    const found = await Array.fromAsync(documentsOf(inPieces(Buffer.concat(documents), seed)));
    assert.deepEqual(found, documents);
  }
});

test('batches stay within bytes and documents, and a large document comes alone', async () => {
  const limits = { bytes: 500, documents: 7 };
  const batches = await Array.fromAsync(batchesOf([Buffer.concat(documents)], limits));
  assert.deepEqual(
    batches.flatMap((batch) => batch.documents),
    documents,
  );
  for (const batch of batches) {
    assert.ok(batch.documents.length <= limits.documents);
    assert.ok(batch.bytes <= limits.bytes || batch.documents.length === 1);
  }
});

test('a stream that ends in the middle, or holds no BSON, is refused', async () => {
  const whole = Buffer.concat(documents.slice(0, 3));
  const unended = Buffer.from(whole);
  unended[(documents[0]?.length ?? 0) - 1] = 1;
  const impossible = Buffer.from(whole);
  impossible.writeInt32LE(64 * 1024 * 1024, documents[0]?.length);
  for (const bytes of [whole.subarray(0, -1), unended, impossible, Buffer.from([1, 0])])
    await assert.rejects(Array.fromAsync(documentsOf([bytes])), (error) => hasCode(error, 'ITEM_UNREADABLE'));
});
