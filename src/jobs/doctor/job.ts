// What a job needs, and what of it makes no sense.
import type { JobConfig } from '#config/config.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { StoreConfig } from '#stores/registry.ts';
import { isPartial, matching } from '../snapshot-choice.ts';
import { type Diagnosis, warning } from './diagnosis.ts';

/** Names of the configuration that a job works with. */
export interface Needs {
  readonly sources: readonly string[];
  readonly repositories: readonly string[];
  readonly notifiers: readonly string[];
  /** Stores that the job names itself, for plain files. */
  readonly stores: readonly StoreConfig[];
  /** Where it makes scratch places. */
  readonly scratch: readonly {
    readonly source: string;
    readonly into: string;
    readonly folder: string | undefined;
  }[];
  /** Repositories from which it removes snapshots. */
  readonly forgets: readonly string[];
}

export const needsOf = (job: JobConfig): Needs => {
  const none = {
    ...{ sources: [], repositories: [], stores: [], scratch: [], forgets: [] },
    notifiers: notifiersOf(job),
  };
  if (job.verb === 'backup')
    return {
      ...none,
      sources: job.backup,
      repositories: job.to.map(({ repository }) => repository),
      forgets: job.to.filter(({ keep }) => keep !== undefined).map(({ repository }) => repository),
    };
  if (job.verb === 'check') return { ...none, repositories: job.check };
  if (job.verb === 'receive') {
    const own = job.fetchInto ? [job.fetchInto.repository] : [];
    return { ...none, repositories: [job.from, ...own], forgets: own };
  }
  if (job.verb === 'drill')
    return {
      ...none,
      repositories: [job.from],
      scratch: job.drill.map(({ source, into = source }) => ({ source, into, folder: job.scratch })),
    };
  // Jobs that make plain files: their verb names sources, and their keys hold stores.
  const { [job.verb]: sources, ...rest }: Readonly<Record<string, unknown>> = { ...job };
  return {
    ...none,
    sources: Array.isArray(sources) ? sources.filter((name) => typeof name === 'string') : [],
    stores: Object.values(rest)
      .flat()
      .filter((value) => isStore(value)),
  };
};

const isStore = (value: unknown): value is StoreConfig =>
  typeof value === 'object' && value !== null && 'kind' in value && 'open' in value;

const notifiersOf = ({ notify }: JobConfig): string[] => (notify ?? []).map(({ to }) => to);

/** What is wrong with the jobs themselves, seen together. */
export const diagnoseJobs = (jobs: readonly JobConfig[], sources: readonly string[]): Diagnosis[] => {
  const used = new Set(jobs.flatMap((job) => needsOf(job).sources));
  const drilledInto = new Set(jobs.flatMap((job) => needsOf(job).scratch.map(({ into }) => into)));
  const receivedInto = new Set(
    jobs.flatMap((job) => (job.verb === 'receive' ? job.receive.map(({ into }) => into) : [])),
  );
  const asked = new Set(
    jobs.flatMap((job) => (job.verb === 'mirror' ? [job.listedBy?.source, job.statusTable] : [])),
  );
  return [
    ...jobs.flatMap(diagnoseJob),
    ...sources
      .filter((source) => [used, drilledInto, receivedInto, asked].every((names) => !names.has(source)))
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
