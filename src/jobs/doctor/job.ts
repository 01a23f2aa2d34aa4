// What a job needs, and what of it makes no sense.
import type { JobConfig } from '#config/config.ts';
import { drilledSources } from '#config/jobs/drill.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { StoreConfig } from '#stores/registry.ts';
import { queryOf } from '../mirror/list-query.ts';
import { isPartial, matching } from '../snapshot-choice.ts';
import { type Diagnosis, warning } from './diagnosis.ts';

/** Names of the configuration that a job works with. */
export interface Needs {
  readonly sources: readonly string[];
  /** Sources that it asks or writes to, and the query that it asks. */
  readonly asked: readonly { readonly source: string; readonly query?: string }[];
  readonly repositories: readonly string[];
  readonly notifiers: readonly string[];
  /** Stores that the job names itself, for plain files. */
  readonly stores: readonly StoreConfig[];
  /** Stores of plain files that it only reads. */
  readonly readStores: readonly StoreConfig[];
  /** Where it makes scratch places. */
  readonly scratch: readonly {
    readonly source: string;
    readonly into: string;
    readonly folder: string | undefined;
  }[];
  /** Repositories from which it removes snapshots. */
  readonly forgets: readonly string[];
  /** Whether it cannot run without a catalog; where it can, its runs are only not remembered. */
  readonly catalog: boolean;
}

export const needsOf = (job: JobConfig): Needs => {
  const none = {
    ...{ sources: [], asked: [], repositories: [], stores: [], readStores: [], scratch: [] },
    forgets: [],
    notifiers: notifiersOf(job),
    catalog: false,
  };
  switch (job.verb) {
    case 'backup':
      return {
        ...none,
        sources: job.backup,
        repositories: job.to.map(({ repository }) => repository),
        forgets: job.to.filter(({ keep }) => keep !== undefined).map(({ repository }) => repository),
      };
    case 'check':
      return { ...none, repositories: job.check };
    case 'receive': {
      const own = job.fetchInto ? [job.fetchInto.repository] : [];
      const asked = job.receive.map(({ into }) => ({ source: into }));
      return { ...none, asked, repositories: [job.from, ...own], forgets: own };
    }
    case 'drill':
      return {
        ...none,
        catalog: true,
        repositories: [job.from],
        scratch: drilledSources(job).map(({ source, into = source }) => ({
          source,
          into,
          folder: job.scratch,
        })),
      };
    case 'replicate':
      return { ...none, sources: [job.replicate], asked: [{ source: job.into }] };
    case 'mirror':
      return {
        ...none,
        catalog: true,
        asked: askedBy(job),
        stores: [job.to],
        readStores: Object.values(job.mirror),
      };
    case 'export': {
      const { shipTo, purge } = job;
      const stores = shipTo === undefined ? [job.to] : [job.to, shipTo];
      const readStores = purge?.listedIn ? [purge.listedIn] : [];
      return { ...none, catalog: true, sources: job.export, stores, readStores };
    }
    case 'archive':
      return { ...none, sources: job.archive, stores: job.to };
  }
};

/** The database that lists the files, and the one with a table of their statuses, which need only answer. */
const askedBy = ({ listedBy, statusTable }: JobOf<'mirror'>): Needs['asked'] => [
  ...(listedBy ? [{ source: listedBy.source, query: queryOf(listedBy) }] : []),
  ...(statusTable === undefined ? [] : [{ source: statusTable, query: 'select' }]),
];

type JobOf<Verb extends JobConfig['verb']> = Extract<JobConfig, { readonly verb: Verb }>;

const notifiersOf = ({ notify }: JobConfig): string[] => (notify ?? []).map(({ to }) => to);

/** What is wrong with the jobs themselves, seen together. */
export const diagnoseJobs = (jobs: readonly JobConfig[], sources: readonly string[]): Diagnosis[] => {
  const used = new Set(
    jobs
      .map(needsOf)
      .flatMap(({ sources: whole, asked, scratch }) => [
        ...whole,
        ...asked.map(({ source }) => source),
        ...scratch.map(({ into }) => into),
      ]),
  );
  return [
    ...jobs.flatMap(diagnoseJob),
    ...sources
      .filter((source) => !used.has(source))
      .map((source) =>
        warning(`source ${source}`, 'no job backs it up', 'add it to a backup job, or remove it'),
      ),
  ];
};

const diagnoseJob = (job: JobConfig): Diagnosis[] => {
  const subject = `job ${job.name}`;
  const nobody = needsOf(job).notifiers.length === 0;
  return [
    ...(job.schedule !== undefined && nobody
      ? [warning(subject, 'runs by itself, and nobody is told when it fails', 'give it `notify`')]
      : []),
    ...(job.verb === 'backup' && job.schedule !== undefined && job.to.some(({ keep }) => keep === undefined)
      ? [warning(subject, 'keeps every snapshot for ever', 'give it `keep`, such as { daily: 7, weekly: 4 }')]
      : []),
  ];
};

/** A drill of a source of which there is nothing. */
export const diagnoseDrilled = (job: JobConfig, snapshots: readonly Snapshot[]): Diagnosis[] =>
  needsOf(job).scratch.flatMap(({ source }): Diagnosis[] => {
    const own = matching(snapshots, { source });
    if (own.some((snapshot) => !isPartial(snapshot))) return [];
    const what = own.length === 0 ? 'no snapshot' : 'no complete snapshot';
    return [
      {
        ...warning(
          `job ${job.name}`,
          `there is ${what} of ${source} to drill`,
          `back ${source} up first, into the same repository`,
        ),
        level: 'error',
      },
    ];
  });
