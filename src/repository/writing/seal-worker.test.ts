import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { workerUrl } from '#lib/worker-url.ts';
import { BlobTable } from '../packs/blob-table.ts';
import { newMasterKey } from '../sealing/key.ts';
import type { SealReply, SealRequest, SealWorkerData } from './seal-messages.ts';

test('a worker that has failed stores nothing any more, since its pack may list what cannot be read back', async () => {
  const workerData: SealWorkerData = {
    key: newMasterKey(),
    table: new BlobTable(1000).shared,
    level: 2,
    verify: true,
    localFolder: undefined,
    slabs: [new SharedArrayBuffer(1024)],
    dryRun: false,
  };
  const worker = new Worker(workerUrl(import.meta.url, './seal-worker'), { workerData });
  const kinds: string[] = [];
  worker.on('message', ({ kind }: SealReply) => {
    kinds.push(kind);
    if (kind === 'batch' && kinds.length === 4) void worker.terminate(); // else it would wait for more
  });
  const id = 'ab'.repeat(32);
  const damaged = { id, type: 'data', offset: 0, length: 40, plainLength: 0 } as const;
  const requests: SealRequest[] = [
    { kind: 'slab', request: 0, slab: 0, lengths: [7] },
    {
      kind: 'repack',
      request: 1,
      pack: id,
      offset: 0,
      length: 40,
      blobs: [damaged],
      bytes: new Uint8Array(40),
    },
    { kind: 'flush', request: 2 },
  ];
  for (const request of requests) worker.postMessage(request);
  await once(worker, 'exit');
  assert.deepEqual(kinds, ['batch', 'error']);
});
