// One run of an archive job: every source into plain files in every store, remembered in the catalog.

import { checkRecipients } from '#archive/encryption.ts';
import type { Catalog } from '#catalog/catalog.ts';
import type { KeepRules } from '#config/keep.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { openStore, type StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { SourceOutcome } from '../event.ts';
import { fileReport } from '../file-report.ts';
import type { JobContext } from '../job-context.ts';
import type { RunRecord } from '../record.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, failed, ok, partial, together } from '../run-outcome.ts';
import { type ArchiveOutcome, type ArchiveRequest, archiveSources } from './archive.ts';
import type { OwnFiles, StoredFile } from './files.ts';
import { removeLeftovers } from './leftovers.ts';
import { printOf } from './owner.ts';
import type { Ownership } from './ownership.ts';
import { rememberedBy } from './remembered.ts';
import { retainFiles } from './retention.ts';

export interface ArchiveTask
  extends Omit<ArchiveRequest, 'stores' | 'startedAt' | 'unfinished' | 'ownership'> {
  /** The configuration file. */
  readonly file: string;
  readonly stores: readonly StoreConfig[];
  /** KiB per second. */
  readonly limitUpload?: number | undefined;
  readonly keep?: KeepRules | undefined;
}

export interface ArchiveRun extends Ended {
  readonly id: string;
  readonly outcomes: readonly SourceOutcome[];
  /** Every file of the run that is whole. */
  readonly files: readonly StoredFile[];
}

/** Archives and says how it went; a source or store that fails does not stop the others. Throws only when cancelled or misconfigured. */
export const runArchive = (task: ArchiveTask, context: RunContext): Promise<ArchiveRun> =>
  recorded({ verb: 'archive', job: task.job }, context, async ({ id, startedAt, record, watched }) => {
    await checkRecipients(task.recipients);
    const opened = await openStores(task, watched);
    try {
      const run = await archiveInto(task, opened, startedAt, watched, record);
      record?.end(run, run.outcomes);
      return { ...run, id };
    } finally {
      for (const store of opened) if (!(store instanceof Error)) await store[Symbol.asyncDispose]();
    }
  });

/** A store that cannot be opened is an error in its place. */
const openStores = async (task: ArchiveTask, context: RunContext): Promise<(Store | Error)[]> => {
  const { signal, clock, log, storeOptions = {} } = context;
  const opened: (Store | Error)[] = [];
  for (const config of task.stores)
    try {
      const options = { limitUpload: task.limitUpload, ...storeOptions };
      const store = await openStore(config, { name: task.job, signal, clock, log }, options);
      opened.push(store);
      await removeLeftovers(context.catalog?.unfinished, task.job, store);
    } catch (thrown) {
      throwIfCancelled(signal);
      const error = asError(thrown);
      context.onEvent({ type: 'repository-failed', repository: config.kind, error });
      opened.push(error);
    }
  return opened;
};

const archiveInto = async (
  task: ArchiveTask,
  opened: readonly (Store | Error)[],
  startedAt: Date,
  context: RunContext,
  record: RunRecord | undefined,
): Promise<Omit<ArchiveRun, 'id'>> => {
  const stores = opened.flatMap((store): Store[] => (store instanceof Error ? [] : [store]));
  const ownership = ownershipOf(task, context.catalog);
  const outcomes: SourceOutcome[] = [];
  const files: StoredFile[] = [];
  if (stores.length > 0)
    for await (const archived of archiveSources(
      { ...task, stores, startedAt, ownership, unfinished: context.catalog?.unfinished },
      context,
    )) {
      files.push(...('files' in archived ? archived.files.filter((file) => 'sha256' in file) : []));
      for (const outcome of sourceOutcomes(archived, stores)) {
        if ('error' in outcome) context.onEvent({ type: 'source-failed', outcome });
        record?.source(outcome);
        outcomes.push(outcome);
      }
    }
  const parts: Ended[] = opened.flatMap((store) => (store instanceof Error ? [failed(store)] : []));
  for (const outcome of outcomes) parts.push('error' in outcome ? failed(outcome.error) : ok);
  const ended = together(parts);
  const kept = await applyKeep(task, ownership, stores, outcomes, context);
  return { ...(kept || ended.state !== 'ok' ? ended : partial), outcomes, files };
};

/** One outcome for each source and store. */
const sourceOutcomes = (archived: ArchiveOutcome, stores: readonly Store[]): SourceOutcome[] =>
  archived.sources.flatMap(({ name, kind }) =>
    stores.map(({ location }): SourceOutcome => {
      const begin = { source: name, kind, repository: location, ms: archived.ms };
      if ('error' in archived) return { ...begin, state: 'failed', error: archived.error };
      const own = archived.files.filter(({ store }) => store === location);
      const wrong = own.find((file) => 'error' in file);
      if (wrong && 'error' in wrong) return { ...begin, state: 'failed', error: wrong.error };
      return { ...begin, state: 'ok', report: fileReport(own.filter((file) => 'sizeBytes' in file)) };
    }),
  );

/** Only what was archived whole is followed by removing. False, and told, when that fails. */
const applyKeep = async (
  task: ArchiveTask,
  ownership: Ownership,
  stores: readonly Store[],
  outcomes: readonly SourceOutcome[],
  context: JobContext,
): Promise<boolean> => {
  const { keep, job } = task;
  if (keep === undefined) return true;
  let works = true;
  for (const store of stores) {
    const good = outcomes.filter(({ repository, state }) => repository === store.location && state === 'ok');
    const sources = task.sources.filter(({ name }) => good.some(({ source }) => source === name));
    if (sources.length === 0) continue;
    try {
      const words = wordsOf(task, sources);
      const retained = await retainFiles(store, { words, ownership }, keep, context);
      context.onEvent({ type: 'files-retained', store: store.location, job, ...retained });
    } catch (thrown) {
      throwIfCancelled(context.signal);
      context.onEvent({ type: 'retention-failed', repository: store.location, error: asError(thrown) });
      works = false;
    }
  }
  return works;
};

/** What may stand in the names of the files that this job makes of these sources on this host, or on any. */
export const wordsOf = (
  { job, site = '' }: Pick<ArchiveTask, 'job' | 'site'>,
  sources: readonly SourceConfig[],
  host: readonly string[] | 'any' = [machineName()],
): OwnFiles['words'] => ({
  source: sources.map((source) => source.name),
  database: 'any',
  job: [job],
  host,
  site: [site],
});

/** Without a catalog, the marks alone tell. */
export const ownershipOf = (
  { name, job, file, site, sources }: ArchiveTask,
  catalog: Catalog | undefined,
): Ownership => ({
  name,
  owner: { job, host: machineName(), file, sources: printOf(sources) },
  isRemembered: rememberedBy(catalog, { job, name, site }),
});
