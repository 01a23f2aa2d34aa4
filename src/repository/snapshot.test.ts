import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import type { Snapshot } from './contract.ts';
import { newMasterKey } from './sealing/key.ts';
import { Sealer } from './sealing/seal.ts';
import { loadUnpacked } from './sealing/unpacked.ts';
import { loadSnapshot, loadSnapshots, retagSnapshot, saveSnapshot } from './snapshot.ts';

const sealer = new Sealer(newMasterKey());

/** Stores a snapshot's file with this content, under the name it would have. */
const putJson = async (store: Store, value: unknown): Promise<string> => {
  const sealed = sealer.seal(Buffer.from(JSON.stringify(value)));
  const id = hash('sha256', sealed, 'hex');
  await store.put(`snapshots/${id}`, sealed);
  return id;
};

suite('a snapshot', () => {
  const time = new Date('2026-11-21T03:04:05.678Z');
  const plain: Omit<Snapshot, 'id'> = {
    time,
    tree: 'ab'.repeat(32),
    paths: ['/shop'],
    hostname: 'host',
    username: 'ada',
    tags: ['source:shop', 'job:nightly'],
  };

  test('is read back with all it has', async () => {
    const store = memoryStore();
    const full = {
      ...plain,
      parent: '11'.repeat(32),
      original: '22'.repeat(32),
      programVersion: 'holdfast 1',
      summary: {
        backupStart: time,
        backupEnd: new Date(time.getTime() + 1),
        filesNew: 1,
        filesChanged: 2,
        filesUnmodified: 3,
        dirsNew: 4,
        dirsChanged: 5,
        dirsUnmodified: 6,
        dataBlobs: 7,
        treeBlobs: 8,
        dataAdded: 9,
        dataAddedPacked: 10,
        totalFilesProcessed: 11,
        totalBytesProcessed: 12,
      },
    };
    for (const snapshot of [plain, full]) {
      const saved = await saveSnapshot(store, sealer, snapshot);
      assert.deepEqual(await loadSnapshot(store, sealer, saved.id), saved);
      assert.deepEqual({ ...saved, ...snapshot }, saved);
    }
  });

  test('made by restic is read: any offset, nothing but what it must have, fields we do not know', async () => {
    const store = memoryStore();
    const id = await putJson(store, {
      time: '2026-11-21T05:04:05.678901234+02:00',
      tree: 'ab'.repeat(32),
      paths: null,
      excludes: ['*.tmp'],
      uid: 7,
    });
    assert.deepEqual(await loadSnapshot(store, sealer, id), {
      id,
      time,
      localTime: '2026-11-21T05:04:05.678901234+02:00',
      tree: 'ab'.repeat(32),
      paths: [],
      hostname: '',
      username: '',
      tags: [],
      others: { excludes: ['*.tmp'], uid: 7 },
    });
  });

  test('is read as restic reads it where fields are null, or its summary is none', async () => {
    const store = memoryStore();
    const whole = { time: '2026-11-21T03:04:05.678901234Z', tree: 'ab'.repeat(32) };
    const nothing = { paths: null, tags: null, hostname: null, username: null, parent: null, original: null };
    const { id: _, ...expected } = await loadSnapshot(store, sealer, await putJson(store, whole));
    for (const odd of [{ ...nothing, program_version: null, summary: null }, { summary: { files_new: 5 } }]) {
      const { id, ...read } = await loadSnapshot(store, sealer, await putJson(store, { ...whole, ...odd }));
      assert.deepEqual(read, expected);
    }
  });

  test('that gets other tags keeps all that its maker wrote', async () => {
    const store = memoryStore();
    const made = {
      time: '2026-11-21T05:04:05.678901234+02:00',
      tree: 'ab'.repeat(32),
      paths: ['/srv'],
      hostname: 'host',
      username: 'ada',
      uid: 7,
      excludes: ['*.tmp'],
      delete: 'Never', // rustic's mark that no rule may remove it
      tags: ['a'],
      program_version: 'rustic 0.11.0',
    };
    const before = await loadSnapshot(store, sealer, await putJson(store, made));
    const { id } = await retagSnapshot(store, sealer, before, ['b']);
    assert.deepEqual(await loadUnpacked(store, sealer, 'snapshots', id), {
      ...made,
      tags: ['b'],
      original: before.id,
    });
  });

  test('stands in the order of its time among the others', async () => {
    const store = memoryStore();
    for (const day of [3, 1, 2])
      await saveSnapshot(store, sealer, { ...plain, time: new Date(Date.UTC(2026, 10, day)) });
    const days = (await loadSnapshots(store, sealer)).map((snapshot) => snapshot.time.getUTCDate());
    assert.deepEqual(days, [1, 2, 3]);
  });

  for (const change of [
    { time: 'soon' },
    { tree: undefined },
    { tree: '../../etc' },
    { tree: 'x'.repeat(64) },
    { paths: 'x' },
  ])
    test(`with ${JSON.stringify(change)} is damaged`, async () => {
      const store = memoryStore();
      const id = await putJson(store, {
        time: time.toISOString(),
        tree: 'ab'.repeat(32),
        ...change,
      });
      await assert.rejects(loadSnapshot(store, sealer, id), {
        code: 'REPOSITORY_DAMAGED',
        message: new RegExp(`^snapshots/${id} is damaged`),
      });
    });
});
