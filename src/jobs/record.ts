// The events of a run, into the catalog. A catalog that fails is told of once and then left alone: the run goes on.
import type { Catalog } from '#catalog/catalog.ts';
import { errorReport, type ItemRecord, type NewRun, type RunEnd, type SourceRecord } from '#catalog/run.ts';
import { exitStatus, hasCode, messageOf } from '#lib/errors.ts';
import type { JobContext } from './backup.ts';
import type { JobEvent, SourceOutcome } from './event.ts';
import type { Ended } from './run-outcome.ts';

type Teller = Pick<JobContext, 'clock' | 'onEvent'>;

/** Begins to remember a run; undefined where there is no catalog or it cannot be written. */
export const beginRecord = (
  catalog: Catalog | undefined,
  run: NewRun,
  teller: Teller,
): RunRecord | undefined => {
  if (catalog === undefined) return undefined;
  try {
    return new RunRecord(catalog, catalog.beginRun(run), teller);
  } catch (error) {
    warnOf(catalog, error, teller);
    return undefined;
  }
};

export class RunRecord {
  readonly id: string;
  readonly #catalog: Catalog;
  readonly #teller: Teller;
  readonly #items = new Map<string, ItemRecord>();
  #works = true;

  constructor(catalog: Catalog, id: string, teller: Teller) {
    this.#catalog = catalog;
    this.id = id;
    this.#teller = teller;
  }

  /** Items are remembered; other events are for those who watch. */
  event(event: JobEvent): void {
    if (event.type === 'item-done') this.#addItem(event);
    else if (event.type === 'item-failed') this.#recordFailure(event);
  }

  /** A source's turn is over. */
  source(outcome: SourceOutcome): void {
    this.#safely(() => {
      for (const item of this.#items.values()) this.#catalog.recordItem(this.id, item);
      this.#catalog.recordSource(this.id, sourceRecord(outcome));
    });
    this.#items.clear();
  }

  /** `error` is why the run is not whole, when no source's outcome says it. */
  end({ state, status }: Ended, outcomes: readonly SourceOutcome[], error?: unknown): void {
    const states = { ok: 'succeeded', partial: 'partial', failed: 'failed' } as const;
    const ofSource = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))[0];
    this.#end(states[state], status, outcomes, error ?? ofSource);
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
    this.#safely(() => this.#catalog.endRun(this.id, end));
  }

  /** Several entries of a source may be parts of one item. */
  #addItem({ subject, item, bytes }: Extract<JobEvent, { type: 'item-done' }>): void {
    const before = this.#items.get(item)?.bytes ?? 0;
    this.#items.set(item, { source: subject, item, bytes: before + bytes });
  }

  #recordFailure({ subject, item, error }: Extract<JobEvent, { type: 'item-failed' }>): void {
    const failure: ItemRecord = { source: subject, item, bytes: 0, error: errorReport(error) };
    this.#safely(() => this.#catalog.recordItem(this.id, failure));
  }

  #safely(write: () => void): void {
    if (!this.#works) return;
    try {
      write();
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
