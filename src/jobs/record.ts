// The events of a run, into the catalog. A catalog that fails is told of once and then left alone: the run goes on.
import type { Catalog } from '#catalog/catalog.ts';
import {
  errorReport,
  type ItemRecord,
  type LogLine,
  type NewRun,
  type RunEnd,
  type SourceRecord,
} from '#catalog/run.ts';
import { newRunId } from '#catalog/run-id.ts';
import { exitStatus, hasCode, messageOf } from '#lib/errors.ts';
import { withoutSecrets } from '#lib/secret.ts';
import type { JobEvent, SourceOutcome } from './event.ts';
import type { JobContext } from './job-context.ts';
import type { Ended } from './run-outcome.ts';

/** What a run's state is called in the catalog. */
export const recordStates = {
  ok: 'succeeded',
  partial: 'partial',
  failed: 'failed',
  skipped: 'skipped',
} as const;

interface Teller extends Pick<JobContext, 'clock' | 'onEvent'> {
  /** The record of this run, where whoever called began it and will close it. */
  readonly begun?: RunRecord | undefined;
}

/** Begins to remember a run, unless that has been done; undefined where there is no catalog or it cannot be written. */
export const beginRecord = (
  catalog: Catalog | undefined,
  run: NewRun,
  teller: Teller,
): RunRecord | undefined => {
  if (teller.begun) return teller.begun;
  if (catalog === undefined) return undefined;
  try {
    return new RunRecord(catalog, catalog.beginRun(run), teller);
  } catch (error) {
    warnOf(catalog, error, teller);
    return undefined;
  }
};

/**
 * Begins to remember a run that is not over when its verb is: `end` only says how that went, and `close` ends it. Without a
 * catalog it has an id and can say how it went, too.
 */
export const beginOpenRecord = (catalog: Catalog | undefined, run: NewRun, teller: Teller): RunRecord => {
  const record =
    beginRecord(catalog, run, teller) ?? new RunRecord(undefined, newRunId(run.startedAt), teller);
  record.keepOpen();
  return record;
};

export class RunRecord {
  readonly id: string;
  readonly #catalog: Catalog | undefined;
  readonly #teller: Teller;
  readonly #items = new Map<string, ItemRecord>();
  #works = true;
  #isKeptOpen = false;
  #ended: RunEnd | undefined;

  constructor(catalog: Catalog | undefined, id: string, teller: Teller) {
    this.#catalog = catalog;
    this.id = id;
    this.#teller = teller;
  }

  /** How its verb ended; undefined before that. */
  get ended(): RunEnd | undefined {
    return this.#ended;
  }

  keepOpen(): void {
    this.#isKeptOpen = true;
  }

  /** Ends it as its verb did, but for what has changed since. */
  close(change: Partial<Pick<RunEnd, 'state' | 'exitStatus' | 'error'>> = {}): RunEnd {
    const nothing = { bytes: 0, items: 0, itemsFailed: 0 };
    const before = this.#ended ?? { state: 'failed', exitStatus: 1, ...nothing };
    const end: RunEnd = { ...before, ...change, endedAt: this.#teller.clock.now() };
    this.#isKeptOpen = false;
    this.#ended = end;
    this.#safely((catalog) => catalog.endRun(this.id, end));
    return end;
  }

  /** Why it is not whole, unless that is known already. */
  complain(error: unknown): void {
    if (this.#ended) this.#ended = { error: errorReport(error), ...this.#ended };
  }

  /** A line of its log. */
  line(level: LogLine['level'], text: string): void {
    const at = this.#teller.clock.now();
    this.#safely((catalog) => catalog.recordLog(this.id, { at, level, text: withoutSecrets(text) }));
  }

  /** Items are remembered; other events are for those who watch. */
  event(event: JobEvent): void {
    if (event.type === 'item-done') this.#addItem(event);
    else if (event.type === 'item-failed') this.#recordFailure(event);
    else if (event.type === 'archived') this.#addItem({ ...event, item: event.file });
  }

  /** A source's turn is over. */
  source(outcome: SourceOutcome): void {
    this.#safely((catalog) => {
      for (const item of this.#items.values()) catalog.recordItem(this.id, item);
      catalog.recordSource(this.id, sourceRecord(outcome));
    });
    this.#items.clear();
  }

  /** `error` is why the run is not whole, when no source's outcome says it. */
  end({ state, status }: Ended, outcomes: readonly SourceOutcome[], error?: unknown): void {
    const ofSource = outcomes.map(errorOf).find((one) => one !== undefined);
    this.#end(recordStates[state], status, outcomes, error ?? ofSource);
  }

  /** The run ended with something thrown. */
  thrown(error: unknown): void {
    this.#end(hasCode(error, 'CANCELLED') ? 'cancelled' : 'failed', exitStatus(error), [], error);
  }

  #end(state: RunEnd['state'], status: number, outcomes: readonly SourceOutcome[], error: unknown): void {
    const end: RunEnd = {
      state,
      endedAt: this.#teller.clock.now(),
      exitStatus: status,
      ...totalsOf(outcomes),
      ...(error !== undefined && { error: errorReport(error) }),
    };
    this.#ended = end;
    if (!this.#isKeptOpen) this.#safely((catalog) => catalog.endRun(this.id, end));
  }

  /** Several entries of a source may be parts of one item. */
  #addItem({ subject, item, bytes }: Omit<Extract<JobEvent, { type: 'item-done' }>, 'type'>): void {
    const before = this.#items.get(item)?.bytes ?? 0;
    this.#items.set(item, { source: subject, item, bytes: before + bytes });
  }

  #recordFailure({ subject, item, error }: Extract<JobEvent, { type: 'item-failed' }>): void {
    const failure: ItemRecord = { source: subject, item, bytes: 0, error: errorReport(error) };
    this.#safely((catalog) => catalog.recordItem(this.id, failure));
  }

  #safely(write: (catalog: Catalog) => void): void {
    if (!this.#works || this.#catalog === undefined) return;
    try {
      write(this.#catalog);
    } catch (error) {
      this.#works = false;
      warnOf(this.#catalog, error, this.#teller);
    }
  }
}

const warnOf = (catalog: Catalog, error: unknown, { onEvent }: Teller): void =>
  onEvent({
    type: 'warning',
    subject: 'catalog',
    text: `${catalog.path} cannot be written: ${messageOf(error)}`,
    hint: 'the work goes on, but `holdfast runs` will not tell all of it',
  });

/** Why a source is not in its repository, or should be looked at there. */
const errorOf = (outcome: SourceOutcome): Error | undefined =>
  'error' in outcome ? outcome.error : outcome.suspicion;

const sourceRecord = (outcome: SourceOutcome): SourceRecord => {
  const { source, kind, repository, state, ms } = outcome;
  const begin = { source, kind, repository, state, durationMs: ms };
  if ('error' in outcome)
    return {
      ...begin,
      files: 0,
      bytes: 0,
      bytesStored: 0,
      itemsFailed: 0,
      error: errorReport(outcome.error),
    };
  const { snapshot, summary, failures } = outcome.report;
  return {
    ...begin,
    ...(snapshot && { snapshot: snapshot.id }),
    files: summary.totalFilesProcessed,
    bytes: summary.totalBytesProcessed,
    bytesStored: summary.dataAddedPacked,
    itemsFailed: failures.length,
    ...(outcome.suspicion && { error: errorReport(outcome.suspicion) }),
  };
};

const totalsOf = (outcomes: readonly SourceOutcome[]): Pick<RunEnd, 'bytes' | 'items' | 'itemsFailed'> => {
  const records = outcomes.map(sourceRecord);
  const sum = (of: (record: SourceRecord) => number): number =>
    records.reduce((total, record) => total + of(record), 0);
  return {
    bytes: sum(({ bytes }) => bytes),
    items: sum(({ files }) => files),
    itemsFailed: sum(({ itemsFailed }) => itemsFailed),
  };
};
