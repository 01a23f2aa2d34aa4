// One run of a mirror job: listed files copied into a store, each with its status in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import type { MirrorPlace } from '#catalog/mirrors.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import type { ItemOutcome, WriteReport } from '#repository/contract.ts';
import type { FileStatusTable } from '#sources/file-statuses.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import { assertApart } from '../apart.ts';
import { noting, removeLeftovers } from '../archive/leftovers.ts';
import type { SourceOutcome } from '../event.ts';
import { fileReport } from '../file-report.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, partial } from '../run-outcome.ts';
import { type Listing, type ListQuery, listQuery, listStore } from './listing.ts';
import { openFor, openPlaces, type PlaceConfigs, type Places } from './places.ts';
import { openStatusTable, Statuses } from './status.ts';
import { type MirrorCounts, type MirrorMode, MirrorWork } from './work.ts';

export interface MirrorTask {
  readonly job: string;
  readonly from: PlaceConfigs;
  readonly to: StoreConfig;
  /** Absent: the files are those that lie in the only place they are read from. */
  readonly query?: ListQuery | undefined;
  /** The database that keeps the table of statuses for others. */
  readonly statusTable?: SourceConfig | undefined;
  readonly mode: MirrorMode;
}

export interface MirrorRun extends Ended, MirrorCounts {
  readonly id: string;
  /** Files that failed in earlier runs, and were not tried again by this one. */
  readonly failedBefore: number;
  readonly error?: Error | undefined;
}

/** Mirrors and says how it went; a file that fails does not stop the others. Throws only when cancelled, or without a catalog. */
export const runMirror = (task: MirrorTask, context: RunContext): Promise<MirrorRun> =>
  recorded({ verb: 'mirror', job: task.job }, context, async ({ id, startedAt, record, watched }) => {
    const mirror = new Mirror(task, id, neededCatalog(context), watched);
    const error = await mirror.run();
    const outcome = mirror.outcome(context.clock.now().getTime() - startedAt.getTime(), error);
    record?.source(outcome);
    const { counts, failedBefore } = mirror;
    const ended = endOf(task, counts, failedBefore, error);
    record?.end(ended, [outcome], error ?? differences(task, counts) ?? stillFailed(failedBefore));
    return { ...ended, id, ...counts, failedBefore, error };
  });

const neededCatalog = ({ catalog }: RunContext): Catalog => {
  if (catalog) return catalog;
  throw new HoldfastError('FAILED', 'a mirror needs the catalog, which remembers what was copied', {
    hint: 'make its folder writable, or name another file with HOLDFAST_CATALOG',
  });
};

const endOf = (
  task: MirrorTask,
  counts: MirrorCounts,
  failedBefore: number,
  error: Error | undefined,
): Ended => {
  if (error) return failed(error);
  const differing = differences(task, counts);
  if (differing) return failed(differing);
  return counts.failed + failedBefore === 0 ? ok : partial;
};

/** A run that had nothing to do with them does not make them whole. */
const stillFailed = (count: number): Error | undefined =>
  count === 0
    ? undefined
    : new HoldfastError(
        'ITEM_UNREADABLE',
        `files that failed in earlier runs, and are not OK yet: ${count}`,
        {
          hint: 'holdfast mirror --rerun tries them again, and forgets those that are listed no longer',
        },
      );

const differences = ({ mode }: MirrorTask, { failed: count }: MirrorCounts): Error | undefined =>
  mode === 'verify' && count > 0
    ? new HoldfastError('DIFFERENCE_FOUND', `copies that are not as they were written: ${count}`, {
        hint: 'copy them again: holdfast mirror --rerun <job>',
      })
    : undefined;

const nothing: MirrorCounts = { listed: 0, succeeded: 0, failed: 0, passedOver: 0, bytes: 0 };

class Mirror {
  readonly #task: MirrorTask;
  readonly #run: string;
  readonly #catalog: Catalog;
  readonly #context: RunContext;
  #work: MirrorWork | undefined;
  #location = '';
  /** Files that are still to be copied, and were not tried by this run. */
  failedBefore = 0;

  constructor(task: MirrorTask, run: string, catalog: Catalog, context: RunContext) {
    this.#task = task;
    this.#run = run;
    this.#catalog = catalog;
    this.#context = context;
  }

  get counts(): MirrorCounts {
    return this.#work?.counts ?? nothing;
  }

  /** What ended it before all files had their turn. */
  async run(): Promise<Error | undefined> {
    const { job, from, to, statusTable } = this.#task;
    try {
      await using places = await openPlaces(job, from, this.#context);
      await using store = await openFor(job, to, this.#context);
      this.#location = store.location;
      for (const place of Object.values(from))
        assertApart(to, place, 'copies must not lie among the originals');
      await removeLeftovers(this.#catalog.unfinished, job, store);
      await using listing = await this.#listing(places);
      await using table = statusTable && (await openStatusTable(statusTable, this.#context));
      await this.#all(listing, places, store, table);
      return undefined;
    } catch (thrown) {
      throwIfCancelled(this.#context.signal);
      const error = asError(thrown);
      this.#context.onEvent({ type: 'repository-failed', repository: job, error });
      return error;
    }
  }

  async #all(listing: Listing, places: Places, to: Store, table: FileStatusTable | undefined): Promise<void> {
    const { job, mode, to: config } = this.#task;
    const { mirrors, unfinished } = this.#catalog;
    const place: MirrorPlace = { job, store: to.location };
    const statuses = new Statuses({ ledger: mirrors, place, table, method: config.kind });
    const work = new MirrorWork(
      {
        ...{ run: this.#run, subject: job, mode, places, to, statuses },
        noting: noting(unfinished, job),
      },
      this.#context,
    );
    this.#work = work;
    const doing =
      mode === 'verify'
        ? `comparing what is in ${to.location}`
        : `copying from ${places.location} to ${to.location}`;
    this.#context.onEvent({ type: 'started', subject: job, doing });
    const state = mirrors.listing(place, listing.name);
    await work.all(listing.files(mode === 'new' ? state : undefined));
    if (mode !== 'verify') mirrors.setListing(place, listing.name, listing.reached(state));
    const isAllListed = mode === 'rerun' || (mode === 'new' && !this.#task.query);
    if (isAllListed) this.#forgetUnlisted(place);
    if (mode !== 'rerun') this.failedBefore = mirrors.failedBefore(place, this.#run);
  }

  #forgetUnlisted(place: MirrorPlace): void {
    const forgotten = this.#catalog.mirrors.forgetUnlisted(place, this.#run);
    const text = `files that failed before are no longer listed, and are forgotten: ${forgotten}`;
    if (forgotten > 0) this.#context.onEvent({ type: 'warning', subject: place.job, text });
  }

  async #listing(places: Places): Promise<Listing> {
    const { query } = this.#task;
    if (query) return await listQuery(query, this.#context);
    if (places.only) return listStore(places.only);
    throw new HoldfastError('CONFIG_INVALID', 'files of several places are listed by a query');
  }

  /** As a backup tells of a source. */
  outcome(ms: number, error: Error | undefined): SourceOutcome {
    const { job } = this.#task;
    const begin = { source: job, kind: 'mirror', repository: this.#location, ms };
    if (error) return { ...begin, state: 'failed', error };
    return { ...begin, state: this.counts.failed > 0 ? 'partial' : 'ok', report: reportOf(this.counts) };
  }
}

/** The catalog has each failure by itself; here their number counts. */
const reportOf = ({ succeeded, passedOver, failed: count, bytes }: MirrorCounts): WriteReport => {
  const none = fileReport([]);
  const amounts = { totalFilesProcessed: succeeded, totalBytesProcessed: bytes, dataAddedPacked: bytes };
  return {
    failures: new Array<ItemOutcome>(count).fill({ path: '', bytes: 0 }),
    summary: { ...none.summary, ...amounts, filesNew: succeeded, filesUnmodified: passedOver },
  };
};
