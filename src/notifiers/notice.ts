// What is told: one event, with all that any kind of notifier may want to say of it. Nothing in it is a secret.

/** What happened. 'trouble' is about Holdfast's own surroundings: another notifier that fails, a store that fills up. */
export type NoticeEvent =
  | 'start'
  | 'success'
  | 'partial'
  | 'suspicious'
  | 'failure'
  | 'recovery'
  | 'missed'
  | 'trouble'
  | 'digest'
  | 'test';

export type Severity = 'info' | 'warning' | 'error';

export const severityColors: Readonly<Record<Severity, string>> = {
  info: '#2eb67d',
  warning: '#ecb22e',
  error: '#e01e5a',
};

export interface Notice {
  /** Letters, digits and '-'; no other notice has it. */
  readonly id: string;
  readonly event: NoticeEvent;
  readonly severity: Severity;
  readonly at: Date;
  /** The machine that speaks. */
  readonly host: string;
  /** One line that says it all: 'nightly failed: shop: no server at db:5432'. */
  readonly title: string;
  /** Sentences: what failed, on what, and what to do next. */
  readonly paragraphs: readonly string[];
  readonly job?: string;
  readonly run?: RunSummary;
  /** Absent for what stands alone. */
  readonly thread?: Thread;
}

/** The trouble that a notice belongs to; a mail reader shows its notices as one conversation. */
export interface Thread {
  /** As fit for a header as a notice's id. */
  readonly id: string;
  readonly since: Date;
  /** How many runs it has lasted. */
  readonly runs: number;
  /** True for the first notice of it to this notifier. */
  readonly first: boolean;
}

export interface RunSummary {
  readonly id: string;
  readonly verb: string;
  readonly state: string;
  readonly startedAt: Date;
  readonly endedAt?: Date;
  readonly exitStatus?: number;
  /** Files, tables, collections: whatever the run worked on. */
  readonly items: { readonly processed: number; readonly succeeded: number; readonly failed: number };
  readonly bytes: number;
  readonly sources: readonly SourceSummary[];
  readonly failures: readonly ItemFailure[];
  /** How many more failed than are named. */
  readonly failuresLeftOut: number;
}

export interface SourceSummary {
  readonly source: string;
  readonly repository: string;
  readonly state: string;
  readonly bytes: number;
  readonly durationMs: number;
  readonly itemsFailed: number;
  readonly snapshot?: string;
  readonly error?: string;
}

export interface ItemFailure {
  readonly source: string;
  readonly item: string;
  readonly message: string;
  readonly hint?: string;
}

/** A notice as JSON, with keys as `--json` has them: for webhooks, commands, and whoever reads them. */
export const noticeJson = (notice: Notice): Record<string, unknown> => ({
  message_type: 'notice',
  id: notice.id,
  event: notice.event,
  severity: notice.severity,
  time: notice.at,
  host: notice.host,
  title: notice.title,
  text: notice.paragraphs.join('\n\n'),
  job: notice.job,
  run: notice.run && runJson(notice.run),
  thread: notice.thread && {
    id: notice.thread.id,
    since: notice.thread.since,
    runs: notice.thread.runs,
    first: notice.thread.first,
  },
});

const runJson = (run: RunSummary): Record<string, unknown> => ({
  id: run.id,
  verb: run.verb,
  state: run.state,
  started_at: run.startedAt,
  ended_at: run.endedAt,
  status: run.exitStatus,
  items_processed: run.items.processed,
  items_succeeded: run.items.succeeded,
  items_failed: run.items.failed,
  bytes: run.bytes,
  sources: run.sources.map(({ durationMs, itemsFailed, snapshot, ...source }) => ({
    ...source,
    duration_ms: durationMs,
    items_failed: itemsFailed,
    snapshot_id: snapshot,
  })),
  failures: run.failures,
  failures_left_out: run.failuresLeftOut,
});
