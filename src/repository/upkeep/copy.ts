// Copies a snapshot between repositories, blob by blob: what the other one has already is neither read nor sent.
import { throwIfCancelled } from '#lib/clock.ts';
import type { CopyOptions, CopyReport, Snapshot } from '../contract.ts';
import { refuseIfPruned, takeStock } from '../packs/stock.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { opened } from '../reading/read-content.ts';
import type { Session } from '../session.ts';
import { saveSnapshot } from '../snapshot.ts';
import type { TreeNode } from '../trees/tree.ts';
import { readTree } from '../trees/tree-nodes.ts';
import { eachTree, subtreeOf } from '../trees/visit-trees.ts';
import { BlobWriter } from '../writing/blob-writer.ts';
import { type CutAnewOptions, cutAnew } from './cut-anew.ts';

/** So many blobs are fetched together, unless they are larger than that together. */
const batchBlobs = 256;
const batchBytes = 16 * 1024 * 1024;

/** See Repository.copyFrom. */
export const copySnapshot = async (
  from: Session,
  reader: BlobReader,
  to: Session,
  snapshot: Snapshot,
  options: CopyOptions,
): Promise<CopyReport> => {
  const unlisted = await takeStock(to);
  const writer = new BlobWriter(to, false);
  const totals = { blobsCopied: 0, bytesCopied: 0, bytesStored: 0 };
  const onStored = (blobs: number, bytes: number, storedBytes: number): void => {
    totals.blobsCopied += blobs;
    totals.bytesCopied += bytes;
    totals.bytesStored += storedBytes;
    options.onProgress?.({ phase: 'copy', bytes: totals.bytesCopied, items: totals.blobsCopied });
  };
  try {
    for (const pack of unlisted) writer.adopt(pack);
    const { signal } = options;
    const tree = options.rechunk
      ? await cutAnew(from, reader, to, writer, snapshot.tree, { signal, onStored })
      : await copyBlobs(from, reader, to, writer, snapshot.tree, { signal, onStored });
    await writer.finish();
    await refuseIfPruned(to);
    throwIfCancelled(to.signal);
    const { id, parent, ...kept } = snapshot;
    const copy = await saveSnapshot(to.store, to.sealer, {
      ...kept,
      tree,
      original: snapshot.original ?? id,
    });
    return { snapshot: copy, ...totals };
  } finally {
    await writer.close();
  }
};

/** Every blob as it is, so that the tree has the id it had. */
const copyBlobs = async (
  from: Session,
  reader: BlobReader,
  to: Session,
  writer: BlobWriter,
  root: string,
  { signal, onStored }: CutAnewOptions,
): Promise<string> => {
  const stored =
    (bytes: number) =>
    (_id: unknown, storedBytes: number): void => {
      if (storedBytes > 0) onStored(1, bytes, storedBytes);
    };
  const { table } = from.blobs;
  const asked = new Uint8Array(table.count);
  let batch: string[] = [];
  let bytes = 0;
  const copyBatch = async (): Promise<void> => {
    const ids = batch;
    batch = [];
    bytes = 0;
    const blobs = await reader.fetch(ids, 'data');
    for (const id of ids) {
      const blob = opened(blobs, id);
      await writer.add(blob, stored(blob.length));
    }
    reader.release(blobs);
  };
  let tree: Uint8Array = new Uint8Array();
  let nodes: readonly TreeNode[] = [];
  const read = (bytes: Uint8Array, id: string, storedBytes: number): string[] => {
    tree = bytes;
    nodes = readTree(bytes, id, storedBytes);
    return nodes.flatMap((node) => subtreeOf(node, id));
  };
  for await (const { id, error } of eachTree({ reader, roots: [root], read, signal })) {
    throwIfCancelled(signal);
    if (error) throw error;
    if (!to.blobs.has(id, 'tree')) {
      for (let wait = writer.busy(); wait; wait = writer.busy()) await wait;
      writer.addTree([{ kind: 'json', bytes: tree }], stored(tree.length)); // before what it lists, so that its memory is free while that is copied
    }
    for (const { content = [] } of nodes)
      for (const blob of content) {
        const number = table.numberOf(blob, 'data');
        if (asked[number] || to.blobs.has(blob, 'data')) continue;
        asked[number] = 1;
        batch.push(blob);
        bytes += reader.sizeOf(blob, 'data');
        if (batch.length >= batchBlobs || bytes >= batchBytes) await copyBatch();
      }
  }
  await copyBatch();
  return root;
};
