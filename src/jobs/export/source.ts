// What is new in the tables of one source, into files; a table that fails does not stop the others.
import type { Catalog } from '#catalog/catalog.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import { rowReaderOf } from '#sources/source.ts';
import type { Store } from '#stores/store.ts';
import type { SourceOutcome } from '../event.ts';
import { fileReport } from '../file-report.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, partial } from '../run-outcome.ts';
import { type ExportPlace, exportTable } from './export.ts';
import type { TableWish } from './row-order.ts';
import type { ExportTask } from './run.ts';

/** What the exports of all sources share. */
interface ExportWork {
  readonly task: ExportTask;
  readonly run: string;
  readonly store: Store;
  readonly catalog: Catalog;
}

export interface ExportedSource {
  readonly outcome: SourceOutcome;
  readonly ended: Ended;
  /** What went wrong first. */
  readonly error: Error | undefined;
  /** In files, those of a table that failed later among them. */
  readonly files: number;
  readonly rows: number;
}

/** Throws only when cancelled. */
export const exportSource = async (
  config: SourceConfig,
  work: ExportWork,
  context: RunContext,
): Promise<ExportedSource> => {
  const { clock, signal, onEvent } = context;
  const startedMs = clock.now().getTime();
  const files: { readonly sizeBytes: number; readonly rows: number }[] = [];
  const watch: RunContext['onEvent'] = (event) => {
    if (event.type === 'exported') files.push({ sizeBytes: event.bytes, rows: event.rows });
    onEvent(event);
  };
  const tables: Tables = { whole: 0 };
  try {
    await exportTables(config, work, tables, { ...context, onEvent: watch });
  } catch (thrown) {
    throwIfCancelled(signal);
    tables.error ??= asError(thrown);
  }
  const { whole, error } = tables;
  const { name, kind } = config;
  const ms = clock.now().getTime() - startedMs;
  const begin = { source: name, kind, repository: work.store.location, ms };
  const outcome: SourceOutcome =
    error && whole === 0
      ? { ...begin, state: 'failed', error }
      : { ...begin, state: error ? 'partial' : 'ok', report: fileReport(files) };
  if ('error' in outcome) onEvent({ type: 'source-failed', outcome });
  return {
    outcome,
    ended: error ? ('error' in outcome ? failed(error) : partial) : ok,
    error,
    files: files.length,
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
  };
};

/** How the tables of a source fared. */
interface Tables {
  /** Those whose new rows are in files. */
  whole: number;
  /** The first of those that failed. */
  error?: Error;
}

/** All tables of one state of the database. */
const exportTables = async (
  config: SourceConfig,
  { task, run, store, catalog }: ExportWork,
  tables: Tables,
  context: RunContext,
): Promise<void> => {
  const { job, name, site, format, gzip, maxRows } = task;
  const { signal, clock, log, onEvent } = context;
  await using source = await openSource(config, { signal, clock, log });
  const reader = rowReaderOf(source);
  if (!reader)
    throw new HoldfastError(
      'UNSUPPORTED',
      `${config.name} is of kind ${config.kind}, from which nothing can be exported`,
      { hint: 'export from an SQL database' },
    );
  onEvent({ type: 'started', subject: config.name, doing: `exporting to ${store.location}` });
  await using view = await reader.openRows();
  const { exports: ledger, unfinished } = catalog;
  const place: ExportPlace = {
    ...{ job, run, source: config.name, site, store, ledger, unfinished },
    ...{ name, format, gzip, maxRows },
  };
  for (const wish of task.tables)
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
};

const rowsWithoutPosition = (count: number, { table, key, timestamp = key }: TableWish): HoldfastError =>
  new HoldfastError(
    'ITEM_UNREADABLE',
    `${plural(count, 'row')} of ${table} without any ${timestamp} cannot be put into a file`,
    { hint: `let each row have a ${timestamp}, or order the table by another column` },
  );
