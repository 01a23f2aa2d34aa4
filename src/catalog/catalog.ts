// What Holdfast remembers: its runs, how each source fared, and which items failed.
import { messageOf } from '#lib/errors.ts';
import { type ProcessIdentity, thisProcess } from '#lib/process-identity.ts';
import { type ArchivedRun, archivedRuns } from './archived.ts';
import { explained, openDatabase } from './database.ts';
import type { DrillLedger } from './drill.ts';
import { drillLedger } from './drill-ledger.ts';
import type { PointLedger } from './drilled-point.ts';
import { type ExportLedger, exportLedger } from './exports.ts';
import { type MirrorLedger, mirrorLedger } from './mirrors.ts';
import type { NoticeLedger } from './notice.ts';
import { noticeLedger } from './notice-ledger.ts';
import { type OrderLedger, orderLedger } from './orders.ts';
import { pointLedger } from './point-ledger.ts';
import { findRun, jobStatuses, listRuns, listRunsFor } from './read.ts';
import { type ReceivedLedger, receivedLedger } from './received.ts';
import type { ItemRecord, JobStatus, LogLine, NewRun, Run, RunDetails, RunEnd, SourceRecord } from './run.ts';
import { boundedLog, forgetOldLogs, insertLog, readLog } from './run-log.ts';
import { type SiteLedger, siteLedger } from './sites.ts';
import { type UnfinishedObjects, unfinishedObjects } from './unfinished.ts';
import { endRun, forgetOldItems, insertItems, insertRun, insertSource } from './write.ts';

/** Several processes may have it open. Items and log lines are written a few at a time; ending the run, or closing, writes the rest. */
export interface Catalog extends Disposable {
  readonly path: string;
  readonly drills: DrillLedger;
  readonly points: PointLedger;
  readonly exports: ExportLedger;
  readonly unfinished: UnfinishedObjects;
  readonly mirrors: MirrorLedger;
  readonly notices: NoticeLedger;
  readonly orders: OrderLedger;
  readonly received: ReceivedLedger;
  readonly sites: SiteLedger;
  /** Remembers that a run of this process begins, and returns its id. */
  beginRun(run: NewRun): string;
  recordSource(run: string, source: SourceRecord): void;
  recordItem(run: string, item: ItemRecord): void;
  /** A line of its log. Of very many, those that only inform are left out and counted. */
  recordLog(run: string, line: LogLine): void;
  endRun(run: string, end: RunEnd): void;
  /** The newest first; of one job when it is named. */
  runs(filter?: { readonly job?: string; readonly limit?: number }): Run[];
  /** One run with its sources and items, by its id or a beginning of it that no other has ('latest' is the newest). USAGE otherwise. */
  run(id: string): RunDetails;
  /** The runs of a job for this due time, the newest first. */
  runsFor(job: string, due: Date): Run[];
  /** The runs of an archive job that put something whole into this store. */
  archivedRuns(job: string, store: string): ArchivedRun[];
  /** What that run said, in order. */
  log(run: string): LogLine[];
  /** Each job that ever ran, by name. */
  status(): JobStatus[];
}

export interface CatalogOptions {
  /** Told when a damaged catalog was moved aside, or when the last of what a run said cannot be written. */
  readonly warn: (text: string) => void;
  readonly process?: ProcessIdentity;
}

/** Opens the catalog in this file, which is made or migrated when needed. */
export const openCatalog = (path: string, { warn, process = thisProcess() }: CatalogOptions): Catalog => {
  const database = openDatabase(path, warn);
  const items = batch<ItemRecord>((waiting) => insertItems(database, waiting));
  const lines = batch<LogLine>((waiting) => insertLog(database, waiting));
  const logs = new Map<string, ReturnType<typeof boundedLog>>();
  const logOf = (run: string): ReturnType<typeof boundedLog> => {
    const log = logs.get(run) ?? boundedLog();
    logs.set(run, log);
    return log;
  };
  return {
    path,
    drills: drillLedger(database, path, process),
    points: pointLedger(database, path),
    exports: exportLedger(database, path),
    unfinished: unfinishedObjects(database, path),
    mirrors: mirrorLedger(database, path),
    notices: noticeLedger(database, path),
    orders: orderLedger(database, path, process),
    received: receivedLedger(database, path),
    sites: siteLedger(database, path),
    beginRun: (run) => explained(path, () => insertRun(database, run, process)),
    recordItem: (run, item) => explained(path, () => items.add(run, item)),
    recordLog: (run, line) => explained(path, () => lines.add(run, logOf(run).take(line))),
    recordSource: (run, source) =>
      explained(path, () => {
        items.flush();
        insertSource(database, run, source);
      }),
    endRun: (run, end) =>
      explained(path, () => {
        items.flush();
        lines.add(run, logs.get(run)?.end(end.endedAt));
        lines.flush();
        endRun(database, run, end);
        forgetOldItems(database, run);
        forgetOldLogs(database, run);
      }),
    runs: (filter = {}) => explained(path, () => listRuns(database, filter)),
    run: (id) => explained(path, () => findRun(database, id)),
    runsFor: (job, due) => explained(path, () => listRunsFor(database, job, due)),
    archivedRuns: (job, store) =>
      explained(path, () => {
        items.flush();
        return archivedRuns(database, job, store);
      }),
    log: (run) =>
      explained(path, () => {
        lines.flush();
        return readLog(database, run);
      }),
    status: () => explained(path, () => jobStatuses(database)),
    [Symbol.dispose]() {
      if (!database.isOpen) return;
      try {
        items.flush();
        lines.flush();
      } catch (error) {
        warn(`${path} cannot be written, \`holdfast runs\` will not tell all of it: ${messageOf(error)}`);
      } finally {
        database.close();
      }
    },
  };
};

/** How many records, and how much time's, a crash may lose. */
const batchSize = 500;
const batchMs = 1000;

const batch = <Item>(insert: (waiting: readonly (readonly [run: string, item: Item])[]) => void) => {
  let waiting: [run: string, item: Item][] = [];
  let since = 0;
  const flush = (): void => {
    const taken = waiting;
    waiting = []; // what cannot be written now is not tried again
    if (taken.length > 0) insert(taken);
  };
  return {
    flush,
    add(run: string, item: Item | undefined): void {
      if (item === undefined) return;
      if (waiting.length === 0) since = performance.now();
      waiting.push([run, item]);
      if (waiting.length >= batchSize || performance.now() - since >= batchMs) flush();
    },
  };
};
