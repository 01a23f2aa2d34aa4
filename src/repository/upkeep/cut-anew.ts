// A snapshot's files cut anew, as another repository cuts: so that they share blobs with what is backed up there.
import { throwIfCancelled } from '#lib/clock.ts';
import type { BlobIds } from '../packs/blob-ids.ts';
import type { BlobReader } from '../reading/blob-reader.ts';
import { loadNodes } from '../reading/load-blob.ts';
import { readContent } from '../reading/read-content.ts';
import type { Session } from '../session.ts';
import { encodeTree, type TreeNode } from '../trees/tree.ts';
import { lengthOf } from '../trees/tree-parts.ts';
import type { BlobWriter } from '../writing/blob-writer.ts';
import { ContentCutter, type Cut, isCutAsFile, tableCut } from '../writing/content-cutter.ts';

export interface CutAnewOptions {
  readonly signal: AbortSignal;
  /** Blobs that the repository did not have, their bytes, and what these took. */
  onStored(blobs: number, bytes: number, storedBytes: number): void;
}

/** Stores the tree and all below it, and returns the id it has there. Whatever is damaged is an error. */
export const cutAnew = async (
  from: Session,
  reader: BlobReader,
  to: Session,
  writer: BlobWriter,
  root: string,
  { signal, onStored }: CutAnewOptions,
): Promise<string> => {
  const cutter = new ContentCutter(to, writer);
  const cut = (node: TreeNode, ids: BlobIds, done: (ids: BlobIds) => void) =>
    cutter.cut(
      readContent(from, reader, ids),
      howToCut(node.meta.size ?? 0, ids.length),
      { expectedBytes: node.meta.size, signal, onBytes: () => {} },
      (totals) => {
        onStored(totals.newBlobs, totals.newBytes, totals.storedBytes);
        done(totals.ids);
      },
    );
  const store = async (id: string): Promise<string> => {
    throwIfCancelled(signal);
    const nodes = await loadNodes(from, id);
    const stored = [...nodes];
    for (const [at, node] of nodes.entries()) {
      if (node.subtree) stored[at] = { ...node, subtree: await store(node.subtree) };
      else if (node.content?.length)
        await cut(node, node.content, (content) => {
          stored[at] = { ...node, content };
        });
    }
    await writer.settled(); // every content has its ids
    const tree = encodeTree(stored);
    const length = lengthOf(tree);
    for (let wait = writer.busy(); wait; wait = writer.busy()) await wait;
    return writer.addTree(tree, (_, storedBytes) => {
      if (storedBytes > 0) onStored(1, length, storedBytes);
    });
  };
  return await store(root);
};

/** As large as they were: the other repository keeps what its snapshots began with, too. */
const howToCut = (sizeBytes: number, blobs: number): Cut =>
  isCutAsFile(blobs, sizeBytes) ? { by: 'rabin' } : tableCut(sizeBytes, { previous: { sizeBytes, blobs } });
