// The envelope of index files, snapshots and locks, and the first of them.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { createZstdCompress } from 'node:zlib';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { randomData, sqlData } from '../chunker/testing.ts';
import { type IndexedPack, loadIndex, saveIndex } from '../packs/index-file.ts';
import { newMasterKey } from './key.ts';
import { Sealer } from './seal.ts';
import { listIds, loadUnpacked, saveUnpacked, type UnpackedFolder } from './unpacked.ts';

const sealer = new Sealer(newMasterKey());

/** Stores a file of the folder with this plaintext, under the name it would have. */
const put = async (store: Store, folder: UnpackedFolder, plain: Uint8Array): Promise<string> => {
  const sealed = sealer.seal(plain);
  const id = hash('sha256', sealed, 'hex');
  await store.put(`${folder}/${id}`, sealed);
  return id;
};
const putJson = (store: Store, folder: UnpackedFolder, value: unknown): Promise<string> =>
  put(store, folder, Buffer.from(JSON.stringify(value)));

suite('an unpacked file', () => {
  test('is named by its content, compressed, and read back', async () => {
    const store = memoryStore();
    const value = { text: sqlData(100_000, 1).toString() };
    const id = await saveUnpacked(store, sealer, 'index', value);
    const stored = await store.get(`index/${id}`);
    assert.equal(hash('sha256', stored, 'hex'), id);
    assert.ok(stored.length < 30_000);
    assert.equal(sealer.open(stored, 'it')[0], 2);
    assert.deepEqual(await loadUnpacked(store, sealer, 'index', id), value);
  });

  test('of version 1, which is plain JSON, is read', async () => {
    const store = memoryStore();
    assert.deepEqual(await loadUnpacked(store, sealer, 'index', await putJson(store, 'index', { a: 1 })), {
      a: 1,
    });
    assert.deepEqual(await loadUnpacked(store, sealer, 'index', await putJson(store, 'index', [1])), [1]);
  });

  test('that is flipped, cut, emptied, swapped or of an unknown format is damaged', async () => {
    const store = memoryStore();
    const id = await putJson(store, 'snapshots', { a: 1 });
    const other = await store.get(`snapshots/${await putJson(store, 'snapshots', { a: 2 })}`);
    const bytes = await store.get(`snapshots/${id}`);
    const flipped = bytes.slice();
    flipped[20]! ^= 4;
    for (const wrong of [flipped, bytes.subarray(0, -1), new Uint8Array(), other]) {
      await store.put(`snapshots/${id}`, wrong);
      await assert.rejects(loadUnpacked(store, sealer, 'snapshots', id), {
        code: 'REPOSITORY_DAMAGED',
        message: new RegExp(`^snapshots/${id} is damaged`),
      });
    }
    for (const plain of [
      Buffer.from('\x03{}'),
      Buffer.from('{"a":'),
      Buffer.from('\x02noise'),
      Buffer.alloc(0),
    ]) {
      const odd = await put(store, 'snapshots', plain);
      await assert.rejects(loadUnpacked(store, sealer, 'snapshots', odd), { code: 'REPOSITORY_DAMAGED' });
    }
  });

  test('that a stranger packed so small that it fills the memory is damaged', async () => {
    const store = memoryStore();
    const spaces = createZstdCompress();
    const ended = Array.fromAsync<Buffer>(spaces);
    const mib = Buffer.alloc(1024 * 1024, ' ');
    spaces.write('{"a":1');
    for (let written = 0; written < 600; written += 1) if (!spaces.write(mib)) await once(spaces, 'drain');
    spaces.end('}');
    const id = await put(store, 'index', Buffer.concat([Buffer.of(2), ...(await ended)]));
    await assert.rejects(loadUnpacked(store, sealer, 'index', id), {
      code: 'REPOSITORY_DAMAGED',
      message: /is damaged: its \d+ bytes become more than \d+, which those of no backup do/,
    });
  });

  test('is found by a name that is an id; only an empty lock, which restic leaves for a moment, is passed over', async () => {
    const store = memoryStore();
    const id = 'ab'.repeat(32);
    for (const folder of ['index', 'snapshots', 'locks'] as const) {
      await store.put(`${folder}/${id}`, new Uint8Array());
      await store.put(`${folder}/${id}-tmp-123`, new Uint8Array(1));
      await store.put(`${folder}/README`, new Uint8Array(1));
      assert.deepEqual(await listIds(store, folder), folder === 'locks' ? [] : [id]);
    }
  });
});

suite('an index file', () => {
  const packs: readonly IndexedPack[] = [
    {
      id: 'aa'.repeat(32),
      entries: [
        { id: '11'.repeat(32), type: 'data', offset: 0, length: 100, plainLength: 0 },
        { id: '22'.repeat(32), type: 'data', offset: 100, length: 50, plainLength: 400 },
      ],
    },
    {
      id: 'bb'.repeat(32),
      entries: [{ id: '33'.repeat(32), type: 'tree', offset: 0, length: 60, plainLength: 70 }],
    },
  ];

  test('is what the design document says, and read back', async () => {
    const store = memoryStore();
    const id = await saveIndex(store, sealer, packs);
    assert.deepEqual(await loadUnpacked(store, sealer, 'index', id), {
      packs: [
        {
          id: 'aa'.repeat(32),
          blobs: [
            { id: '11'.repeat(32), type: 'data', offset: 0, length: 100 },
            { id: '22'.repeat(32), type: 'data', offset: 100, length: 50, uncompressed_length: 400 },
          ],
        },
        {
          id: 'bb'.repeat(32),
          blobs: [{ id: '33'.repeat(32), type: 'tree', offset: 0, length: 60, uncompressed_length: 70 }],
        },
      ],
    });
    assert.deepEqual(await loadIndex(store, sealer, id), packs);
  });

  test('without packs is read, whatever stands in their place', async () => {
    const store = memoryStore();
    for (const file of [{ packs: [] }, { packs: null }, { packs: [], supersedes: ['ab'.repeat(32)] }])
      assert.deepEqual(await loadIndex(store, sealer, await putJson(store, 'index', file)), []);
  });

  const blob = { id: '11'.repeat(32), type: 'data', offset: 0, length: 100 };
  const bad: Readonly<Record<string, unknown>> = {
    'no packs': {},
    'a pack without an id': { packs: [{ blobs: [] }] },
    'a pack whose id leads elsewhere': { packs: [{ id: `../../${'a'.repeat(58)}`, blobs: [] }] },
    'a blob without an id': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, id: undefined }] }] },
    'a blob whose id is none': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, id: 'x'.repeat(64) }] }] },
    'a blob of an unknown type': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, type: 'secret' }] }] },
    'a negative offset': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, offset: -1 }] }] },
    'a length that no pack has': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, length: 2 ** 32 }] }] },
    'a fraction of a byte': { packs: [{ id: 'aa'.repeat(32), blobs: [{ ...blob, length: 1.5 }] }] },
    'a blob that is null': { packs: [{ id: 'aa'.repeat(32), blobs: [null] }] },
  };
  for (const [what, file] of Object.entries(bad))
    test(`with ${what} is damaged`, async () => {
      const store = memoryStore();
      const id = await putJson(store, 'index', file);
      await assert.rejects(loadIndex(store, sealer, id), {
        code: 'REPOSITORY_DAMAGED',
        message: new RegExp(`^index/${id} is damaged`),
      });
    });
});

test('noise of any length in the place of an unpacked file is damaged', async () => {
  const store = memoryStore();
  for (const length of [1, 31, 32, 33, 1000]) {
    const noise = randomData(length, length);
    const id = hash('sha256', noise, 'hex');
    await store.put(`index/${id}`, noise);
    await assert.rejects(loadIndex(store, sealer, id), { code: 'REPOSITORY_DAMAGED' });
  }
});
