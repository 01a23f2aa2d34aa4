// What a job tells while it runs. The command line shows it; a daemon may record or send it.

import type { Progress } from '#lib/progress.ts';
import type { WriteReport } from '#repository/contract.ts';
import type { Retained } from './archive/retention.ts';
import type { PurgeVerdict } from './export/purge.ts';
import type { Verdict } from './retention.ts';

/** `subject` is the source, repository or snapshot that it is about. */
export type JobEvent =
  | { readonly type: 'started'; readonly subject: string; readonly doing: string }
  | { readonly type: 'progress'; readonly subject: string; readonly progress: Progress }
  | { readonly type: 'warning'; readonly subject: string; readonly text: string; readonly hint?: string }
  | { readonly type: 'item-done'; readonly subject: string; readonly item: string; readonly bytes: number }
  | { readonly type: 'item-failed'; readonly subject: string; readonly item: string; readonly error: Error }
  | { readonly type: 'repository-failed'; readonly repository: string; readonly error: Error }
  | {
      readonly type: 'retained';
      readonly repository: string;
      readonly job: string;
      readonly dryRun: boolean;
      readonly verdicts: readonly Verdict[];
    }
  | { readonly type: 'retention-failed'; readonly repository: string; readonly error: Error }
  | {
      readonly type: 'archived';
      readonly subject: string;
      readonly file: string;
      readonly store: string;
      readonly bytes: number;
    }
  | {
      readonly type: 'exported';
      readonly subject: string;
      readonly file: string;
      readonly store: string;
      readonly rows: number;
      readonly bytes: number;
    }
  | {
      readonly type: 'purged';
      readonly subject: string;
      readonly verdict: PurgeVerdict;
      readonly dryRun: boolean;
    }
  | ({
      readonly type: 'files-retained';
      readonly store: string;
      readonly job: string;
    } & Retained)
  | { readonly type: 'source-stored'; readonly outcome: StoredSource }
  | { readonly type: 'source-failed'; readonly outcome: FailedSource };

export type OnJobEvent = (event: JobEvent) => void;

interface SourceInRun {
  readonly source: string;
  readonly kind: string;
  readonly repository: string;
  readonly ms: number;
}

/** A source whose snapshot was stored; 'partial' when items are missing in it, or it is suspicious. On a dry run nothing was stored. */
export interface StoredSource extends SourceInRun {
  readonly state: 'ok' | 'partial';
  readonly report: WriteReport;
  /** Why somebody should look before old snapshots are forgotten. */
  readonly suspicion?: Error;
}

/** A source of which nothing was stored; 'skipped' ones were not begun, because of an error that concerns them all. */
export interface FailedSource extends SourceInRun {
  readonly state: 'failed' | 'skipped';
  readonly error: Error;
}

export type SourceOutcome = StoredSource | FailedSource;
