// One run of an export job: what is new in every table, into files, remembered in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import { damagedBeside } from '#catalog/database.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import { rowReaderOf } from '#sources/source.ts';
import { openStore, type StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import { assertApart } from '../apart.ts';
import { removeLeftovers } from '../archive/leftovers.ts';
import type { SourceOutcome } from '../event.ts';
import { fileReport } from '../file-report.ts';
import type { JobContext } from '../job-context.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, partial, together } from '../run-outcome.ts';
import { type ExportPlace, exportTable } from './export.ts';
import { settleFiles } from './file.ts';
import type { RowFormat } from './format.ts';
import type { TableWish } from './row-order.ts';
import { shipFiles } from './ship.ts';

export interface ExportTask {
  readonly job: string;
  readonly sources: readonly SourceConfig[];
  readonly tables: readonly TableWish[];
  readonly to: StoreConfig;
  readonly shipTo?: StoreConfig | undefined;
  readonly name: string;
  readonly site: string;
  readonly format: RowFormat;
  readonly gzip: boolean;
  readonly maxRows: number;
}

export interface ExportRun extends Ended {
  readonly id: string;
  readonly files: number;
  readonly rows: number;
  /** Files copied to the second store. */
  readonly shipped: number;
}

/** The catalog, without which nobody knows what was exported. */
export const neededCatalog = ({ catalog }: RunContext): Catalog => {
  if (catalog) return catalog;
  throw new HoldfastError('FAILED', 'an export needs the catalog, which remembers what was exported', {
    hint: 'make its folder writable, or name another file with HOLDFAST_CATALOG',
  });
};

/** After its catalog was damaged and begun anew, a job would export every row a second time. */
const refuseWithoutPositions = ({ exports, path }: Catalog, job: string): void => {
  const damaged = exports.knows(job) ? undefined : damagedBeside(path);
  if (damaged === undefined) return;
  throw new HoldfastError(
    'FAILED',
    `how far ${job} has come was in the catalog that was damaged: ${damaged}`,
    {
      hint: `put a backup of the catalog in the place of ${path}; or move that file away: the next run is then a first one, as \`first\` of each table says`,
    },
  );
};

/** Exports and says how it went; a table that fails does not stop the others. Throws when it cannot begin, or is cancelled. */
export const runExport = (task: ExportTask, context: RunContext): Promise<ExportRun> =>
  recorded({ verb: 'export', job: task.job }, context, async ({ id, record, watched }) => {
    const catalog = neededCatalog(context);
    refuseWithoutPositions(catalog, task.job);
    await using store = await openFor(task.job, task.to, watched);
    await settleFiles(catalog.exports, task.job, store);
    await removeLeftovers(catalog.unfinished, task.job, store);
    const work = new ExportWork(task, id, store, catalog, watched);
    for (const source of task.sources) record?.source(await work.source(source));
    const shipped = await work.ship();
    const ended = together([...work.ended, ...(shipped instanceof Error ? [failed(shipped)] : [])]);
    record?.end(ended, work.outcomes, work.firstError);
    return {
      ...ended,
      id,
      files: work.files,
      rows: work.rows,
      shipped: shipped instanceof Error ? 0 : shipped,
    };
  });

const openFor = (job: string, config: StoreConfig, context: JobContext): Promise<Store> => {
  const { signal, clock, log, storeOptions } = context;
  return openStore(config, { name: job, signal, clock, log }, { ...storeOptions, cacheFolder: undefined });
};

/** How the tables of a source fared. */
interface Tables {
  /** Those whose new rows are in files. */
  whole: number;
  /** The first of those that failed. */
  error?: Error;
}

const rowsWithoutPosition = (count: number, { table, key, timestamp = key }: TableWish): HoldfastError =>
  new HoldfastError(
    'ITEM_UNREADABLE',
    `${plural(count, 'row')} of ${table} without any ${timestamp} cannot be put into a file`,
    { hint: `let each row have a ${timestamp}, or order the table by another column` },
  );

class ExportWork {
  readonly #task: ExportTask;
  readonly #run: string;
  readonly #store: Store;
  readonly #catalog: Catalog;
  readonly #context: RunContext;
  readonly ended: Ended[] = [];
  readonly outcomes: SourceOutcome[] = [];
  firstError: Error | undefined;
  files = 0;
  rows = 0;

  constructor(task: ExportTask, run: string, store: Store, catalog: Catalog, context: RunContext) {
    this.#task = task;
    this.#run = run;
    this.#store = store;
    this.#catalog = catalog;
    this.#context = context;
  }

  async source(config: SourceConfig): Promise<SourceOutcome> {
    const { clock, signal, onEvent } = this.#context;
    const startedMs = clock.now().getTime();
    const files: { readonly sizeBytes: number; readonly rows: number }[] = []; // those of a table that failed later, too
    const watch: RunContext['onEvent'] = (event) => {
      if (event.type === 'exported') files.push({ sizeBytes: event.bytes, rows: event.rows });
      onEvent(event);
    };
    const tables: Tables = { whole: 0 };
    try {
      await this.#tables(config, tables, { ...this.#context, onEvent: watch });
    } catch (thrown) {
      throwIfCancelled(signal);
      tables.error ??= asError(thrown);
    }
    const { whole, error } = tables;
    const { name, kind } = config;
    const ms = clock.now().getTime() - startedMs;
    const begin = { source: name, kind, repository: this.#store.location, ms };
    const outcome: SourceOutcome =
      error && whole === 0
        ? { ...begin, state: 'failed', error }
        : { ...begin, state: error ? 'partial' : 'ok', report: fileReport(files) };
    if ('error' in outcome) onEvent({ type: 'source-failed', outcome });
    this.ended.push(error ? ('error' in outcome ? failed(error) : partial) : ok);
    this.outcomes.push(outcome);
    this.firstError ??= error;
    this.files += files.length;
    this.rows += files.reduce((sum, { rows }) => sum + rows, 0);
    return outcome;
  }

  /** All tables of one state of the database. */
  async #tables(config: SourceConfig, tables: Tables, context: RunContext): Promise<void> {
    const { job, name, site, format, gzip, maxRows } = this.#task;
    const { signal, clock, log, onEvent } = context;
    await using source = await openSource(config, { signal, clock, log });
    const reader = rowReaderOf(source);
    if (!reader)
      throw new HoldfastError(
        'UNSUPPORTED',
        `${config.name} is of kind ${config.kind}, from which nothing can be exported`,
        {
          hint: 'export from an SQL database',
        },
      );
    onEvent({ type: 'started', subject: config.name, doing: `exporting to ${this.#store.location}` });
    await using view = await reader.openRows();
    const place: ExportPlace = {
      job,
      run: this.#run,
      source: config.name,
      site,
      store: this.#store,
      ledger: this.#catalog.exports,
      unfinished: this.#catalog.unfinished,
      name,
      format,
      gzip,
      maxRows,
    };
    for (const wish of this.#task.tables)
      try {
        const withoutPosition = await exportTable(wish, view, place, context);
        tables.whole += 1;
        if (withoutPosition > 0) throw rowsWithoutPosition(withoutPosition, wish);
      } catch (thrown) {
        throwIfCancelled(signal);
        const error = asError(thrown);
        onEvent({ type: 'item-failed', subject: config.name, item: wish.table, error });
        tables.error ??= error;
      }
  }

  /** Copies what is not yet in the second store; what fails is told and tried again by the next run. */
  async ship(): Promise<number | Error> {
    const { shipTo, job } = this.#task;
    if (shipTo === undefined) return 0;
    try {
      await using second = await openFor(job, shipTo, this.#context);
      assertApart(shipTo, this.#task.to, 'what is shipped must leave the folder of the exports');
      return await shipFiles({ catalog: this.#catalog, job, from: this.#store, to: second }, this.#context);
    } catch (thrown) {
      throwIfCancelled(this.#context.signal);
      const error = asError(thrown);
      this.#context.onEvent({ type: 'repository-failed', repository: shipTo.kind, error });
      this.firstError ??= error;
      return error;
    }
  }
}
