import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { randomData } from '../chunker/testing.ts';
import { newMasterKey } from '../sealing/key.ts';
import { Sealer } from '../sealing/seal.ts';
import { encodeHeader } from '../testing.ts';
import type { PackEntry } from './blob.ts';
import { decodeHeader, packBytes, readHeader } from './pack-format.ts';

const sealer = new Sealer(newMasterKey());

const entries: readonly PackEntry[] = [
  { id: '11'.repeat(32), type: 'data', offset: 0, length: 100, plainLength: 0 },
  { id: '22'.repeat(32), type: 'tree', offset: 100, length: 0x01020304, plainLength: 0 },
  { id: '33'.repeat(32), type: 'data', offset: 0x01020368, length: 33, plainLength: 0x0a0b0c0d },
  { id: '44'.repeat(32), type: 'tree', offset: 0x01020389, length: 40, plainLength: 1 },
];

/** A pack file whose blobs are noise. */
const packOf = (listed: readonly PackEntry[], header = sealer.seal(encodeHeader(listed))): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([...listed.map((entry) => randomData(entry.length, entry.offset)), header, length]);
};

const read =
  (pack: Buffer) =>
  async (offset: number, length: number): Promise<Uint8Array> => {
    assert.ok(offset >= 0 && offset + length <= pack.length, 'a read beyond the pack');
    return pack.subarray(offset, offset + length);
  };

test('a header is what the design document says, byte for byte', () => {
  const expected = [
    `00 64000000 ${'11'.repeat(32)}`,
    `01 04030201 ${'22'.repeat(32)}`,
    `02 21000000 0d0c0b0a ${'33'.repeat(32)}`,
    `03 28000000 01000000 ${'44'.repeat(32)}`,
  ].join('');
  assert.equal(encodeHeader(entries).toString('hex'), expected.replaceAll(' ', ''));
  assert.deepEqual(decodeHeader(encodeHeader(entries)), entries);
});

test('a header is read from the end of the pack, however long it is', async () => {
  const random = seededRandom('headers');
  for (const count of [1, 2, 398, 399, 400, 442, 443, 5000]) {
    let offset = 0;
    const many = Array.from({ length: count }, (_, index): PackEntry => {
      const length = random.integer(33, 60);
      const id = randomData(32, index).toString('hex');
      const entry = { id, type: 'data', offset, length, plainLength: random.chance(0.5) ? 0 : 99 } as const;
      offset += length;
      return entry;
    });
    const pack = packOf(many);
    assert.equal(pack.length, packBytes(many));
    assert.deepEqual(await readHeader(sealer, pack.length, read(pack), 'pack'), many);
  }
});

const bad: Readonly<Record<string, Buffer>> = {
  'is empty': Buffer.alloc(0),
  'has no room for a header': randomData(35, 1),
  'says its header is longer than the file': Buffer.concat([randomData(100, 2), Buffer.of(0xff, 0xff, 0, 0)]),
  'says its header is shorter than a seal': Buffer.concat([randomData(100, 3), Buffer.of(31, 0, 0, 0)]),
  'has a header that is not authentic': Buffer.concat([randomData(100, 4), Buffer.of(60, 0, 0, 0)]),
  'has a header that is cut': packOf([], sealer.seal(encodeHeader(entries).subarray(0, 100))),
  'has a blob of an unknown type': packOf([], sealer.seal(Buffer.concat([Buffer.of(4), Buffer.alloc(36)]))),
  'has an empty compressed blob': packOf(
    [],
    sealer.seal(Buffer.concat([Buffer.of(2, 33, 0, 0, 0, 0, 0, 0, 0), Buffer.alloc(32)])),
  ),
};
for (const [what, pack] of Object.entries(bad))
  test(`a pack that ${what} is reported as damaged`, async () => {
    await assert.rejects(readHeader(sealer, pack.length, read(pack), 'data/ab/abcd'), {
      code: 'REPOSITORY_DAMAGED',
      message: /^data\/ab\/abcd is damaged: /,
    });
  });
