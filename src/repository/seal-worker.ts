// A worker thread of the write path: names blobs, leaves out those the repository has, and fills packs with the others.
import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { plainError } from '#lib/plain-error.ts';
import { putLocalFileSync } from '#stores/local/write-object.ts';
import { type BlobType, idBytes, packKey } from './blob.ts';
import { BlobTable } from './blob-table.ts';
import { openBlob } from './load-blob.ts';
import { PackBuilder } from './pack-builder.ts';
import { PackReader } from './pack-reader.ts';
import { Sealer } from './seal.ts';
import type { BatchReply, SealReply, SealRequest, SealWorkerData } from './seal-messages.ts';

const port = parentPort;
if (!port) throw new Error('seal-worker runs as a worker thread only');
const { key, table: sharedTable, level, verify, slabs, dryRun } = workerData as SealWorkerData;
let { localFolder } = workerData as SealWorkerData;
const sealer = new Sealer(key);
const builders = {
  data: new PackBuilder({ sealer, type: 'data', level, verify }),
  tree: new PackBuilder({ sealer, type: 'tree', level: level ?? 3, verify }),
} as const;
let table = new BlobTable(sharedTable);
let packs: PackReader | undefined;

const addBlob = (type: BlobType, plain: Uint8Array, reply: BatchReply, at: number): void => {
  const id = hash('sha256', plain, 'buffer');
  reply.ids.set(id, at * idBytes);
  if (!table.claim(id, type)) return;
  reply.stored[at] = 1;
  if (dryRun) return;
  const builder = builders[type];
  reply.stored[at] = builder.add(id, plain, type === 'tree');
  if (builder.isFull) sendPack(type);
};

/** Each blob is opened first: a damaged one must not be carried over. */
const repack = ({ pack, offset, length, blobs, bytes }: Extract<SealRequest, { kind: 'repack' }>): void => {
  packs ??= new PackReader(localFolder);
  packs.load(pack, bytes, { offset, length });
  for (const blob of blobs) {
    const at = blob.offset - offset;
    openBlob(sealer.openFrom(packs.poly, at, blob.length), blob.id, { ...blob, pack });
    const builder = builders[blob.type];
    builder.addSealed(blob, packs.poly.buffer.subarray(at, at + blob.length));
    if (builder.isFull) sendPack(blob.type);
  }
};

const sendPack = (type: BlobType): void => {
  const { id, entries, bytes } = builders[type].finish();
  if (localFolder !== undefined) {
    putLocalFileSync(localFolder, packKey(id), [bytes]);
    send({ kind: 'pack', id, entries, size: bytes.length });
    return;
  }
  const copy = bytes.slice();
  send({ kind: 'pack', id, entries, size: copy.length, bytes: copy }, [copy.buffer]);
};

const send = (reply: SealReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer);

const emptyReply = (request: number, blobs: number): BatchReply => ({
  kind: 'batch',
  request,
  ids: new Uint8Array(blobs * idBytes),
  stored: new Uint32Array(blobs),
});

const handle = (message: SealRequest): void => {
  switch (message.kind) {
    case 'slab': {
      const { lengths } = message;
      const reply = emptyReply(message.request, lengths.length);
      const bytes = new Uint8Array(slabs[message.slab] as SharedArrayBuffer);
      let offset = 0;
      for (const [at, length] of lengths.entries()) {
        addBlob('data', bytes.subarray(offset, offset + length), reply, at);
        offset += length;
      }
      send(reply, [reply.ids.buffer as ArrayBuffer, reply.stored.buffer as ArrayBuffer]);
      break;
    }
    case 'tree': {
      const reply = emptyReply(message.request, 1);
      addBlob('tree', message.bytes, reply, 0);
      send(reply);
      break;
    }
    case 'repack':
      repack(message);
      send(emptyReply(message.request, 0));
      break;
    case 'folder':
      localFolder = message.localFolder;
      break;
    case 'table':
      table = new BlobTable(message.table);
      break;
    case 'flush':
      for (const type of ['data', 'tree'] as const) if (!builders[type].isEmpty) sendPack(type);
      send(emptyReply(message.request, 0));
      break;
  }
};

port.on('message', (message: SealRequest) => {
  try {
    handle(message);
  } catch (error) {
    send({ kind: 'error', ...plainError(error) });
  }
});
