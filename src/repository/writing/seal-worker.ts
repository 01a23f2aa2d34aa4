// A worker thread of the write path: names blobs, leaves out those the repository has, and fills packs with the others.
import { hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { plainError } from '#lib/plain-error.ts';
import { putLocalFileSync } from '#stores/local/write-object.ts';
import { type BlobType, idBytes, idFromHex, packKey } from '../packs/blob.ts';
import { BlobTable } from '../packs/blob-table.ts';
import { PackBuilder, usualLevel } from '../packs/pack-builder.ts';
import { PackReader } from '../packs/pack-reader.ts';
import { openBlob } from '../reading/open-blob.ts';
import { mostKeptBytes } from '../sealing/compression.ts';
import { Sealer } from '../sealing/seal.ts';
import { lengthOf, piecesOf, type TreePart } from '../trees/tree-parts.ts';
import type { BatchReply, SealReply, SealRequest, SealWorkerData } from './seal-messages.ts';

const port = parentPort;
if (!port) throw new Error('seal-worker runs as a worker thread only');
const { key, table: sharedTable, level, verify, slabs, dryRun } = workerData as SealWorkerData;
let { localFolder } = workerData as SealWorkerData;
const sealer = new Sealer(key);
const builders = {
  data: new PackBuilder({ sealer, type: 'data', level, verify }),
  tree: new PackBuilder({ sealer, type: 'tree', level: level ?? usualLevel, verify }),
} as const;
let table = new BlobTable(sharedTable);
let packs: PackReader | undefined;

const addBlob = (plain: Uint8Array, reply: BatchReply, at: number): void => {
  const id = hash('sha256', plain, 'hex'); // quicker than bytes, which would have memory of their own
  const bytes = idFromHex(id);
  reply.ids.set(bytes, at * idBytes);
  reply.stored[at] = addUnknown('data', bytes, (builder) => builder.add(id, plain));
};

const addTree = (id: string, parts: readonly TreePart[]): number =>
  addUnknown('tree', idFromHex(id), (builder) => {
    const [first, ...others] = parts;
    return first && others.length === 0 && first.bytes.length <= mostKeptBytes
      ? builder.add(id, first.bytes)
      : builder.addPieces(id, piecesOf(parts), lengthOf(parts));
  });

/** How many bytes it takes in a pack; 0 when the repository has it. */
const addUnknown = (type: BlobType, id: Uint8Array, add: (builder: PackBuilder) => number): number => {
  if (!table.claim(id, type)) return 0;
  if (dryRun) return 1;
  const builder = builders[type];
  const stored = add(builder);
  if (builder.isFull) sendPack(type);
  return stored;
};

/** Each blob is opened first: a damaged one must not be carried over. */
const repack = ({ pack, offset, length, blobs, bytes }: Extract<SealRequest, { kind: 'repack' }>): void => {
  packs ??= new PackReader(localFolder);
  packs.load(pack, bytes, { offset, length });
  const { buffer } = packs.poly;
  packs.openEach(sealer, blobs, (opened, blob) => {
    openBlob(opened, blob.id, { ...blob, pack });
    const at = blob.offset - offset;
    const builder = builders[blob.type];
    builder.addSealed(blob, buffer.subarray(at, at + blob.length));
    if (builder.isFull) sendPack(blob.type);
  });
};

const sendPack = (type: BlobType): void => {
  const { id, header, bytes } = builders[type].finish();
  if (localFolder !== undefined) {
    putLocalFileSync(localFolder, packKey(id), [bytes]);
    send({ kind: 'pack', id, header }, [header.buffer]);
    return;
  }
  const copy = bytes.slice();
  send({ kind: 'pack', id, header, bytes: copy }, [header.buffer, copy.buffer]);
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
        addBlob(bytes.subarray(offset, offset + length), reply, at);
        offset += length;
      }
      send(reply, [reply.ids.buffer as ArrayBuffer, reply.stored.buffer as ArrayBuffer]);
      break;
    }
    case 'tree': {
      const reply = emptyReply(message.request, 1);
      reply.stored[0] = addTree(message.id, message.parts);
      send(reply);
      break;
    }
    case 'large': {
      const { request, id, bytes } = message;
      const reply = emptyReply(request, 1);
      reply.stored[0] = addUnknown('data', idFromHex(id), (builder) => builder.add(id, bytes));
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
    process.exit(); // a pack may list what could not be read back: it must not be stored
  }
});
