// A file of documents into a database: read as a stream, written in batches side by side.
import { randomUUID } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { asError } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import type { Content } from '../source.ts';
import type { PlacedEntry } from './entry-stream.ts';
import { leafAt } from './leaf.ts';
import { splitLines } from './lines.ts';
import {
  isStreamed,
  type PutTarget,
  putLeaves,
  putStreamed,
  type Refused,
  type StoredLeaf,
} from './put-leaves.ts';
import type { Restoring } from './restore.ts';

export interface Batch {
  /** All leaves of each of its documents, in the order of the backup. */
  readonly leaves: readonly StoredLeaf[];
}

export interface Load {
  readonly restoring: Restoring;
  readonly entry: PlacedEntry;
  readonly attachments: ReadonlyMap<string, () => Content>;
  /** Only these documents; all when absent. */
  readonly ids?: ReadonlySet<string> | undefined;
  write(batch: Batch): Promise<void>;
}

/** Returns what was read: rows, bytes and checksum of the file. */
export const loadDocuments = async ({
  restoring,
  entry,
  attachments,
  ids,
  write,
}: Load): Promise<RowCount> => {
  const { config, context, reporter } = restoring;
  const counter = createRowCounter('lines');
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of entry.content()) {
      throwIfCancelled(context.signal);
      counter.update(chunk);
      yield chunk;
    }
  };
  const leaves = leavesOf(counted(), { path: entry.path, attachments, ids });
  await forEachLimit(batchesOf(leaves), config.connections, write);
  const count = counter.finish();
  reporter.done(entry.path, count.bytes);
  return count;
};

const batchDocuments = 500;
const batchBytes = 2 * 1024 * 1024;

async function* leavesOf(
  content: AsyncIterable<Uint8Array>,
  { path, attachments, ids }: Pick<Load, 'attachments' | 'ids'> & { readonly path: string },
): AsyncGenerator<StoredLeaf> {
  for await (const line of splitLines(content)) {
    const leaf = leafAt(line, 0);
    if (!ids || ids.has(leaf.id)) yield { leaf, path, attachment: (file) => attachments.get(file) };
  }
}

/** Leaves of one document are never torn apart. */
export async function* batchesOf(
  stored: Iterable<StoredLeaf> | AsyncIterable<StoredLeaf>,
): AsyncGenerator<Batch> {
  let leaves: StoredLeaf[] = [];
  let bytes = 0;
  for await (const one of stored) {
    const { leaf } = one;
    if ((leaves.length >= batchDocuments || bytes >= batchBytes) && leaves.at(-1)?.leaf.id !== leaf.id) {
      yield { leaves };
      [leaves, bytes] = [[], 0];
    }
    leaves.push(one);
    bytes += leaf.end - leaf.start + leaf.attachments.reduce((sum, { length }) => sum + length, 0);
  }
  if (leaves.length > 0) yield { leaves };
}

/** Writes a batch with its history; what the server refuses is a failed item. */
export const writeBatch = async (
  restoring: Restoring,
  target: PutTarget,
  { leaves }: Batch,
): Promise<Refused[]> => {
  const streamed: StoredLeaf[] = [];
  const together: StoredLeaf[] = [];
  for (const leaf of leaves) ((await isStreamed(target.facts, leaf)) ? streamed : together).push(leaf);
  const refused = await putLeaves(target, together);
  for (const leaf of streamed) refused.push(...(await putStreamed(target, leaf, `holdfast-${randomUUID()}`)));
  for (const { id, error } of refused) {
    const path = leaves.find(({ leaf }) => leaf.id === id)?.path;
    restoring.reporter.fail(`${path}: ${id}`, asError(error));
  }
  return refused;
};
