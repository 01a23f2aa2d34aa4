// Judges each new snapshot by the last good ones of its source in the same repository, while it is made: what is suspicious is
// tagged so, counts for no retention, and is told, until somebody accepts it.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { formatTime } from '#lib/format.ts';
import type { Repository, Snapshot, SnapshotSummary } from '#repository/contract.ts';
import { type Manifest, manifestName, manifestSchema } from '#sources/manifest.ts';
import type { Content, Entry } from '#sources/source.ts';
import { manifestsOf, plainKinds } from '../manifests.ts';
import { acceptedTag, isGood } from '../snapshot-choice.ts';
import { type AnomalyRules, type Extent, judgeExtent, judgeTables, type Tables } from './anomalies.ts';

/** So many of the last good snapshots say what is usual; of their tables, which cost a look into each, fewer. */
const extentsCompared = 7;
const tablesCompared = 3;
/** Of very many findings the first say enough. */
const mostFindings = 10;

/** Passes the entries of a dump on and keeps the manifests among them; plain files have none. */
export const keepManifests = (entries: AsyncIterable<Entry>, kind: string): KeptManifests => {
  if (plainKinds.includes(kind)) return { entries, tables: undefined, missing: new Set() };
  const tables = new Map<string, ReadonlyMap<string, number>>();
  const missing = new Set<string>();
  async function* keeping(folder: string, content: Content): AsyncGenerator<Uint8Array> {
    const chunks: Buffer[] = [];
    for await (const chunk of content) {
      chunks.push(Buffer.from(chunk));
      yield chunk;
    }
    const manifest = manifestSchema.safeParse(parseJson(Buffer.concat(chunks).toString('utf8')));
    if (!manifest.success) return; // a database without a readable manifest counts as lacking
    tables.set(folder, rowsOf(manifest.data));
    for (const { name } of manifest.data.missing) missing.add(name);
  }
  async function* passOn(): AsyncGenerator<Entry> {
    for await (const entry of entries) {
      const folder = folderOf(entry);
      const { content } = entry;
      yield folder === undefined || content === undefined
        ? entry
        : { ...entry, content: () => keeping(folder, content()) };
    }
  }
  return { entries: passOn(), tables, missing };
};

export interface KeptManifests {
  readonly entries: AsyncIterable<Entry>;
  /** Complete when the entries have been read; plain files have none. */
  readonly tables: Tables | undefined;
  /** Tables that were asked for and are not in it, of which the dump itself has told. */
  readonly missing: ReadonlySet<string>;
}

export interface Judging {
  readonly repository: Repository;
  /** Every snapshot of the source in it that could have been taken for this one, oldest first. */
  readonly earlier: readonly Snapshot[];
  /** The folder of the snapshot that everything lies in. */
  readonly root: string;
  readonly rules: AnomalyRules;
  /** Of the new snapshot. */
  readonly time: Date;
  readonly signal: AbortSignal;
}

/** What is suspicious about a snapshot that is about to be stored, each as a sentence without a subject. */
export const judgeBackup = async (
  summary: SnapshotSummary,
  kept: KeptManifests,
  { earlier, rules, ...judging }: Judging,
): Promise<string[]> => {
  const good = comparable(earlier);
  const findings = judgeExtent(extentOf(summary), good.flatMap(extentOfSnapshot), rules);
  const inTables = await judgeManifests(kept, good, rules, judging);
  const all = [...new Set([...findings, ...judgeGrowth(summary, good, rules, judging.time), ...inTables])];
  const more = all.length - mostFindings;
  return more > 0 ? [...all.slice(0, mostFindings), `shows ${more} more oddities`] : all;
};

/** The error that a suspicious snapshot makes of its source's outcome. */
export const suspicion = (findings: readonly string[], runId: string): HoldfastError =>
  new HoldfastError('SUSPICIOUS', `the snapshot is stored, but it ${findings.join(', ')}`, {
    hint: `nothing is forgotten meanwhile; if all is right, \`holdfast accept ${runId}\``,
  });

/** What must grow is held against the newest one that is old enough. */
const judgeGrowth = (
  { totalBytesProcessed: bytes }: SnapshotSummary,
  good: readonly Snapshot[],
  { growsWithinMs }: AnomalyRules,
  time: Date,
): string[] => {
  if (growsWithinMs === undefined) return [];
  const old = good.find((snapshot) => time.getTime() - snapshot.time.getTime() >= growsWithinMs);
  const hasGrown = old?.summary === undefined || bytes > old.summary.totalBytesProcessed;
  return hasGrown ? [] : [`has not grown since ${formatTime(old.time)}`];
};

/** The last good ones, newest first, back to the one that somebody accepted as the new usual. */
const comparable = (earlier: readonly Snapshot[]): Snapshot[] => {
  const good = earlier.filter(isGood).toReversed();
  const accepted = good.findIndex(({ tags }) => tags.includes(acceptedTag));
  return accepted < 0 ? good : good.slice(0, accepted + 1);
};

/** Most times one look is enough: only what is odd beside the last one is held against those before it. */
const judgeManifests = async (
  { tables, missing }: KeptManifests,
  good: readonly Snapshot[],
  rules: AnomalyRules,
  judging: Omit<Judging, 'earlier' | 'rules'>,
): Promise<string[]> => {
  if (!tables) return [];
  const known = { ...rules, ignore: [...rules.ignore, ...missing] };
  const before: Tables[] = [];
  let findings = judgeTables(tables, before, known);
  try {
    for (const snapshot of good.slice(0, tablesCompared)) {
      if (before.length > 0 && findings.length === 0) break;
      before.push(await tablesOf(snapshot, judging));
      findings = judgeTables(tables, before, known);
    }
  } catch (error) {
    judging.signal.throwIfAborted();
    return [`cannot be compared with an earlier one (${messageOf(error)})`];
  }
  return findings;
};

const tablesOf = async (
  snapshot: Snapshot,
  { repository, root, signal }: Omit<Judging, 'earlier' | 'rules'>,
): Promise<Tables> => {
  const found = await manifestsOf(repository, snapshot, signal);
  return new Map(found.map(({ folder, manifest }) => [withoutRoot(folder, root), rowsOf(manifest)]));
};

const withoutRoot = (folder: string, root: string): string =>
  folder === root ? '' : folder.slice(root.length + 1);

const rowsOf = ({ tables }: Manifest): ReadonlyMap<string, number> =>
  new Map(tables.map(({ name, rows }) => [name, rows]));

const folderOf = ({ path, type }: Entry): string | undefined => {
  if (type !== 'file') return undefined;
  if (path === manifestName) return '';
  return path.endsWith(`/${manifestName}`) ? path.slice(0, -manifestName.length - 1) : undefined;
};

const extentOf = ({ totalBytesProcessed, totalFilesProcessed }: SnapshotSummary): Extent => ({
  bytes: totalBytesProcessed,
  files: totalFilesProcessed,
});

const extentOfSnapshot = ({ summary }: Snapshot, at: number): Extent[] =>
  summary && at < extentsCompared ? [extentOf(summary)] : [];

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
