// index.jsonl: what a backup found, for the next one to go on from.
import { z } from 'zod';
import type { RowCount } from '#lib/row-checksum.ts';
import type { Previous } from '../source.ts';
import { databaseFiles, databasePath, type Partition } from './layout.ts';
import { splitLines } from './lines.ts';

const headSchema = z.strictObject({
  index: z.literal(1),
  database: z.string(),
  /** Where the next backup begins to read; null when it should read everything. */
  since: z.string().nullable(),
  /** Digits by which documents are told apart. */
  depth: z.number().int().min(0).max(8),
  vendor: z.string(),
  createdAt: z.string().optional(),
  purgeSeq: z.string(),
  updateSeq: z.string(),
  /** How many documents more the server counted than we read, when nothing was written meanwhile: some servers miscount. */
  surplus: z.number().int(),
});

const partitionSchema = z.strictObject({
  partition: z.string(),
  documents: z.number().int(),
  deleted: z.number().int(),
  rows: z.number().int(),
  bytes: z.number().int(),
  checksum: z.string(),
  /** One of its revisions, to ask the server whether it is still the same database. */
  sample: z.tuple([z.string(), z.string()]),
  attachments: z.array(z.string()),
});

export type IndexHead = z.infer<typeof headSchema>;
/** What a file of documents holds: documents by whether their winner is deleted, and rows, bytes and checksum of its lines. */
export type PartitionIndex = z.infer<typeof partitionSchema> & RowCount;

export interface Index {
  readonly head: IndexHead;
  readonly partitions: ReadonlyMap<Partition, PartitionIndex>;
}

export function* indexContent({ head, partitions }: Index): Generator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify(head)}\n`);
  for (const partition of partitions.values()) yield Buffer.from(`${JSON.stringify(partition)}\n`);
}

/** The last backup's index, or undefined when there is none, or none that can be used. */
export const previousIndex = async (previous: Previous, database: string): Promise<Index | undefined> => {
  const entry = await previous.entry(`${databasePath(database)}/${databaseFiles.index}`);
  if (entry?.type !== 'file') return undefined;
  let head: IndexHead | undefined;
  const partitions = new Map<Partition, PartitionIndex>();
  for await (const line of splitLines(entry.content())) {
    const value: unknown = JSON.parse(Buffer.from(line).toString());
    if (head === undefined) {
      const parsed = headSchema.safeParse(value);
      if (!parsed.success) return undefined; // made by another version
      head = parsed.data;
    } else {
      const parsed = partitionSchema.safeParse(value);
      if (!parsed.success) return undefined;
      partitions.set(parsed.data.partition, parsed.data);
    }
  }
  return head && { head, partitions };
};
