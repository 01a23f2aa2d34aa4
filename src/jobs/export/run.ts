// One run of an export job: what is new in every table, into files, remembered in the catalog.
import type { Catalog } from '#catalog/catalog.ts';
import { damagedBeside } from '#catalog/database.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError } from '#lib/errors.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import { assertApart } from '../apart.ts';
import { removeLeftovers } from '../archive/leftovers.ts';
import { openPlainStore } from '../plain-store.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, together } from '../run-outcome.ts';
import { settleFiles } from './file.ts';
import type { RowFormat } from './format.ts';
import type { TableWish } from './row-order.ts';
import { shipFiles } from './ship.ts';
import { type ExportedSource, exportSource } from './source.ts';

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
    await using store = await openPlainStore(task.job, task.to, watched);
    for (const { name, store: other } of await settleFiles(catalog, task.job, store))
      watched.onEvent({
        type: 'warning',
        subject: name,
        text: `it was being written to ${other} when a run was broken off: its rows are exported again`,
      });
    await removeLeftovers(catalog.unfinished, task.job, store);
    const exported: ExportedSource[] = [];
    for (const source of task.sources) {
      const done = await exportSource(source, { task, run: id, store, catalog }, watched);
      record?.source(done.outcome);
      exported.push(done);
    }
    const shipped = await ship(task, store, catalog, watched);
    const notShipped = shipped instanceof Error ? [shipped] : [];
    const ended = together([...exported.map((each) => each.ended), ...notShipped.map(failed)]);
    const [firstError] = [...exported.flatMap(({ error }) => error ?? []), ...notShipped];
    record?.end(
      ended,
      exported.map(({ outcome }) => outcome),
      firstError,
    );
    return {
      ...ended,
      id,
      files: exported.reduce((sum, { files }) => sum + files, 0),
      rows: exported.reduce((sum, { rows }) => sum + rows, 0),
      shipped: shipped instanceof Error ? 0 : shipped,
    };
  });

/** Copies what is not yet in the second store; what fails is told and tried again by the next run. */
const ship = async (
  { job, to, shipTo }: ExportTask,
  from: Store,
  catalog: Catalog,
  context: RunContext,
): Promise<number | Error> => {
  if (shipTo === undefined) return 0;
  try {
    await using second = await openPlainStore(job, shipTo, context);
    assertApart(shipTo, to, 'what is shipped must leave the folder of the exports');
    return await shipFiles({ catalog, job, from, to: second }, context);
  } catch (thrown) {
    throwIfCancelled(context.signal);
    const error = asError(thrown);
    context.onEvent({ type: 'repository-failed', repository: shipTo.kind, error });
    return error;
  }
};
