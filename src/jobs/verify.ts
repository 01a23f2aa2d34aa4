// A snapshot held against what was captured: every file is read, its size and a table's rows and checksum are compared.
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { Content, Entry } from '#sources/source.ts';
import type { JobContext } from './job-context.ts';
import { type FoundManifest, manifestsOf } from './manifests.ts';
import { originOf } from './snapshot-choice.ts';
import { type TableTally, tallies } from './table-tally.ts';
import { lostInRepair, missingUnnamed } from './what-is-lacking.ts';

export interface VerifyReport {
  readonly snapshot: Snapshot;
  readonly files: number;
  readonly bytes: number;
  readonly databases: number;
  readonly tables: number;
  readonly rows: number;
  /** Each sentence names the file or table and says what differs; empty means the snapshot is what was captured. */
  readonly differences: readonly string[];
  /** What the backup itself could not capture, by its manifests. */
  readonly missing: readonly string[];
}

/** Reads the whole snapshot. Damage that the repository finds while reading is thrown as its own error. */
export const verifySnapshot = async (
  repository: Repository,
  snapshot: Snapshot,
  context: JobContext,
): Promise<VerifyReport> => {
  const { signal, onEvent } = context;
  const doing = `verifying snapshot ${shortId(snapshot.id)}`;
  onEvent({ type: 'started', subject: originOf(snapshot), doing });
  const found = await manifestsOf(repository, snapshot, signal);
  const tables = tallies(found);
  const read = await readEverything(repository, snapshot, tables, context);
  return {
    snapshot,
    files: read.files,
    bytes: read.bytes,
    databases: found.length,
    tables: tables.length,
    rows: tables.reduce((sum, { count }) => sum + count.rows, 0),
    differences: [
      ...lostInRepair(snapshot),
      ...read.differences,
      ...tables.flatMap((tally) => tally.differences()),
    ],
    missing: missingFrom(snapshot, found),
  };
};

const missingFrom = (snapshot: Snapshot, found: readonly FoundManifest[]): string[] => {
  const named = found.flatMap(missingIn);
  return named.length > 0 ? named : missingUnnamed(snapshot);
};

interface WhatWasRead {
  readonly files: number;
  readonly bytes: number;
  readonly differences: readonly string[];
}

const readEverything = async (
  repository: Repository,
  snapshot: Snapshot,
  tables: readonly TableTally[],
  { signal, onEvent }: JobContext,
): Promise<WhatWasRead> => {
  const byPath = new Map(tables.flatMap((tally) => tally.paths.map((path) => [path, tally])));
  const subject = originOf(snapshot);
  const differences: string[] = [];
  let files = 0;
  let bytes = 0;
  for await (const entry of repository.read(snapshot, { oneByOne: true, signal })) {
    if (entry.type !== 'file') continue;
    const sizeBytes = await sizeOf(contentOf(entry, byPath.get(entry.path)));
    files += 1;
    bytes += sizeBytes;
    if (entry.meta.size !== undefined && sizeBytes !== entry.meta.size)
      differences.push(`${entry.path}: ${sizeBytes} bytes, recorded are ${entry.meta.size}`);
    const progress = { phase: 'verifying', bytes, items: files, current: entry.path, ...totals(snapshot) };
    onEvent({ type: 'progress', subject, progress });
  }
  return { files, bytes, differences };
};

const contentOf = (entry: Entry, tally: TableTally | undefined): Content => {
  const content = entry.content?.() ?? [];
  return tally ? tally.counting(entry.path, content) : content;
};

const sizeOf = async (content: Content): Promise<number> => {
  let bytes = 0;
  for await (const chunk of content) bytes += chunk.length;
  return bytes;
};

const missingIn = ({ folder, manifest }: FoundManifest): string[] =>
  manifest.missing.map(({ name, reason }) => `${folder}: ${name}: ${reason}`);

const totals = ({ summary }: Snapshot): { totalBytes?: number; totalItems?: number } =>
  summary ? { totalBytes: summary.totalBytesProcessed, totalItems: summary.totalFilesProcessed } : {};
