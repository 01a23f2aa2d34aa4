// Two abilities that keep a second database or folder fresh: a source tells what has changed in it lately, and another takes in
// what was told, or all of it. Both are asked for by presence.
import { z } from 'zod';
import { manifestName, manifestSchema } from './manifest.ts';
import type { Entry, Finding, Previous, RestoreReport, RestoreTarget, Source } from './source.ts';

/** What a partial backup captures. */
export interface ChangeRules {
  /** Rows changed in so many milliseconds before the capture, or since the previous one if that is longer ago. */
  readonly sinceMs: number;
  /** Each with the column that has the time of the last change. */
  readonly tables: readonly { readonly table: string; readonly by: string }[];
  /** Files whose paths, relative to a folder, stand in a column of a captured table. */
  readonly files: readonly { readonly table: string; readonly column: string; readonly folder: string }[];
}

export interface ChangesReader {
  /**
   * The rows that changed, with all that they refer to, in one consistent state: `changes.json`, `data/…`, `files/…`, and a
   * manifest whose position says what they reach back to: at least to where the previous one left off, so that none is missing
   * between two that follow each other.
   */
  dumpChanges(rules: ChangeRules, previous?: Previous): AsyncIterable<Entry>;
  /** What of the rules cannot be done: tables and columns that are not there, and others that are not fit. Reads no rows. */
  checkChanges(rules: ChangeRules): Promise<Finding[]>;
}

export const changesReaderOf = (source: Source): (Source & ChangesReader) | undefined =>
  'dumpChanges' in source && typeof source.dumpChanges === 'function'
    ? (source as Source & ChangesReader)
    : undefined;

/** What a manifest's position has for receivers, as times of the server's own clock. */
export const positions = {
  /** Whatever was committed later was changed after this. */
  settled: 'oldest_transaction',
  /** Of changes: all rows are there that were changed since. */
  from: 'changed_since',
} as const;

/** An outage longer than this is not caught up by a partial backup: the next complete one brings what is missing. */
export const longestReachMs = 86_400_000;

/** What of all changes was settled when the previous partial snapshot was made, as its manifest says; undefined when rows are missing in it. */
export const settledBefore = async (previous: Previous | undefined): Promise<Date | undefined> => {
  const entry = await previous?.entry(manifestName);
  if (entry === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of entry.content()) chunks.push(Buffer.from(chunk));
  const { position, capturedAt, missing } = manifestSchema.parse(
    JSON.parse(Buffer.concat(chunks).toString('utf8')),
  );
  return missing.length > 0 ? undefined : new Date(position[positions.settled] ?? capturedAt);
};

/** The file that says what the rows of a partial snapshot are. */
export const changesFile = 'changes.json';
/** The folder of the files that are named by a column. */
export const changedFilesFolder = 'files';

/** `changes.json`. */
export const changesSchema = z.strictObject({
  changes: z.literal(1),
  engine: z.string(),
  database: z.string(),
  /** In the order of their foreign keys: what is referred to comes first. */
  tables: z.array(
    z.strictObject({
      schema: z.string(),
      name: z.string(),
      columns: z.array(z.string()),
      /** Of the primary key. */
      key: z.array(z.string()).min(1),
      /** The column with the time of the last change; null where rows are there because others refer to them. */
      by: z.string().nullable(),
      path: z.string(),
    }),
  ),
});

export type Changes = z.infer<typeof changesSchema>;
export type ChangedTable = Changes['tables'][number];

/** A state of the sender that a receiver has, kept where its data is and changed together with it. */
export const markSchema = z.strictObject({
  /** The id under which the snapshot was first stored. */
  snapshot: z.string(),
  whole: z.boolean(),
  /** The snapshot's own time, by the clock of the machine that made it. */
  time: z.iso.datetime({ offset: true }),
  /** When the sender was so, by its server's clock. */
  takenAt: z.iso.datetime({ offset: true }),
  /** Whatever the sender committed later was changed after this. */
  settledAt: z.iso.datetime({ offset: true }),
  /** The snapshot that was complete and on which it rests, and its times. */
  base: z.strictObject({
    snapshot: z.string(),
    time: z.iso.datetime({ offset: true }),
    takenAt: z.iso.datetime({ offset: true }),
  }),
});

export type Mark = z.infer<typeof markSchema>;

export interface Receiver {
  /** Whether it takes partial snapshots, too. */
  readonly takesChanges: boolean;
  /** Removes what an earlier process left half done, and shuts others out until it is closed. */
  openReceiving(): Promise<Receiving>;
}

export interface Receiving extends AsyncDisposable {
  /** What readers see; undefined when nothing was received there. */
  readonly mark: Mark | undefined;
  /** Loads a whole snapshot beside what is there. Nobody sees it before `publish`; closing removes it. */
  load(entries: AsyncIterable<Entry>, loading: Loading): Promise<RestoreReport>;
  /** Applies changes to what was loaded, or else to what readers see: in one transaction, with the mark. */
  apply(entries: AsyncIterable<Entry>, mark: Mark): Promise<{ readonly rows: number }>;
  /** Puts what was loaded in the place of what is there, in one step. */
  publish(): Promise<void>;
}

export interface Loading {
  readonly mark: Mark;
  /** The databases of the snapshot by their own names, as its manifests have them; none for files. */
  readonly databases: readonly string[];
  readonly onProgress: NonNullable<RestoreTarget['onProgress']>;
}

export const receiverOf = (source: Source): (Source & Receiver) | undefined =>
  'openReceiving' in source && typeof source.openReceiving === 'function'
    ? (source as Source & Receiver)
    : undefined;
