// Can every job work? Everything that jobs need is reached and tried, with the rights that they need.
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import type { Catalog } from '#catalog/catalog.ts';
import { type Config, type JobConfig, notifierNamed, repositoryNamed, sourceNamed } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { type NotifierConfig, openNotifier } from '#notifiers/registry.ts';
import type { Snapshot } from '#repository/contract.ts';
import { archiveTask } from '../archive/task.ts';
import { pointTaskOf } from '../drill/point-task.ts';
import type { JobContext } from '../job-context.ts';
import { diagnoseArchives } from './archive.ts';
import { diagnoseBulletins, diagnoseConsole } from './console.ts';
import { broken, type Diagnosis, fine, warning } from './diagnosis.ts';
import { diagnoseDrilled, diagnoseJobs, needsOf } from './job.ts';
import { diagnoseOwnStores } from './own-store.ts';
import { diagnosePoint } from './point.ts';
import { diagnosePlainStore, diagnoseReadStore, diagnoseRepository, type Part } from './repository.ts';
import {
  askedSubject,
  diagnoseAsked,
  diagnoseScratch,
  diagnoseSource,
  scratchSubject,
  sourceSubject,
} from './source.ts';
import { spaceDiagnosis } from './space.ts';
import { diagnoseTables } from './tables.ts';

export interface DoctorTask {
  readonly config: Config;
  readonly jobs: readonly JobConfig[];
  /** True when these are all jobs there are: then what no job uses is told, too. */
  readonly all: boolean;
  /** Or why there is none. */
  readonly catalog: Catalog | Error;
}

export interface JobVerdict {
  readonly job: string;
  /** What stands in its way; empty when it can work. */
  readonly obstacles: readonly string[];
}

export interface DoctorReport {
  readonly diagnoses: readonly Diagnosis[];
  readonly jobs: readonly JobVerdict[];
}

/** Tells each diagnosis as it is made. Nothing is changed: what is stored for a try is removed at once. */
export const examine = async (
  task: DoctorTask,
  context: JobContext,
  tell: (diagnosis: Diagnosis) => void,
): Promise<DoctorReport> => {
  const diagnoses: Diagnosis[] = [];
  const add = (found: readonly Diagnosis[]): void => {
    for (const diagnosis of found) {
      diagnoses.push(diagnosis);
      tell(diagnosis);
    }
  };
  add(diagnoseMachine(task));
  add(diagnoseJobs(task.jobs, task.all ? [...task.config.sources.keys()] : []));
  for (const job of task.jobs) add(diagnoseOwnStores(job, task.config));
  await examineSources(task, context, add);
  const isWell = (source: string): boolean =>
    !diagnoses.some(({ level, subject }) => level === 'error' && subject === sourceSubject(source));
  for (const job of task.jobs) add(await diagnoseTables(job, task.config, isWell, context));
  const snapshots = await examineRepositories(task, context, add);
  for (const job of task.jobs) {
    const { stores, readStores } = needsOf(job);
    for (const store of readStores) add([await diagnoseReadStore(storeSubject(job), store, context)]);
    for (const store of stores)
      add(await diagnosePlainStore(storeSubject(job), store, context, partOf(job, task, context)));
  }
  for (const job of task.jobs) {
    const found = job.verb === 'drill' ? snapshots.get(job.from) : undefined;
    if (job.verb !== 'drill' || found === undefined) continue;
    const point = pointTaskOf(job);
    if (point === undefined) add(diagnoseDrilled(job, found));
    else add(await diagnosePoint(job, point, { config: task.config, snapshots: found }, context));
  }
  for (const name of named(task, ({ notifiers }) => notifiers))
    add([await diagnoseNotifier(notifierNamed(task.config, name), context)]);
  if (task.all) {
    add(await diagnoseBulletins(task.config, context));
    add(await diagnoseConsole(task.config, context));
  }
  return { diagnoses, jobs: task.jobs.map((job) => verdictOn(job, diagnoses)) };
};

type Needs = ReturnType<typeof needsOf>;
type Add = (found: readonly Diagnosis[]) => void;

/** What the jobs need of one sort, each once. */
const named = ({ jobs }: DoctorTask, of: (needs: Needs) => readonly string[]): string[] => [
  ...new Set(jobs.flatMap((job) => of(needsOf(job)))),
];

/** What is seen in the store of a job besides. */
const partOf = (job: JobConfig, { config, catalog }: DoctorTask, { clock }: JobContext): Part => {
  if (job.verb !== 'archive') return {};
  const known = catalog instanceof Error ? undefined : catalog;
  const archives = (name: string): boolean => config.jobs.get(name)?.verb === 'archive';
  const archiving = { subject: storeSubject(job), task: archiveTask(job, config), catalog: known, archives };
  return { look: (store) => diagnoseArchives(archiving, store, clock.now()) };
};

const machine = 'this machine';
const storeSubject = ({ name }: JobConfig): string => `store of ${name}`;

const diagnoseMachine = ({ config, catalog, jobs }: DoctorTask): Diagnosis[] => [
  ...config.warnings.map((text) => warning('configuration', text, 'chmod 600 the file that is named')),
  ...(catalog instanceof Error
    ? [
        {
          ...broken('catalog', catalog),
          level: jobs.some((job) => needsOf(job).catalog) ? 'error' : 'warning',
        } as const,
      ]
    : [
        fine('catalog', catalog.path),
        spaceDiagnosis('catalog', dirname(catalog.path)),
        ...leftovers(catalog),
      ]),
  fine(machine, `Node ${process.versions.node}`),
];

const leftovers = (catalog: Catalog): Diagnosis[] =>
  catalog.drills
    .leftovers()
    .map(({ scratch, location, source }) =>
      warning(
        'catalog',
        `a drill of ${source} left ${scratch} behind at ${location}`,
        `the next drill there removes it: holdfast drill latest:${source}`,
      ),
    );

const examineSources = async (
  { config, ...task }: DoctorTask,
  context: JobContext,
  add: Add,
): Promise<void> => {
  const whole = named({ config, ...task }, ({ sources }) => sources);
  for (const name of whole) add(await diagnoseSource(sourceNamed(config, name), context));
  const needs = task.jobs.map(needsOf);
  for (const { source, query } of eachOnce(needs.flatMap(({ asked }) => asked)))
    if (query !== undefined || !whole.includes(source))
      add(await diagnoseAsked(sourceNamed(config, source), query, context));
  const places = needs.flatMap(({ scratch }) =>
    scratch.map(({ into, folder = tmpdir() }) => ({ into, folder })),
  );
  for (const { into, folder } of eachOnce(places))
    add(await diagnoseScratch(sourceNamed(config, into), folder, context));
};

const eachOnce = <Item>(items: readonly Item[]): Item[] => [
  ...new Map(items.map((item) => [JSON.stringify(item), item])).values(),
];

const examineRepositories = async (
  task: DoctorTask,
  context: JobContext,
  add: Add,
): Promise<Map<string, readonly Snapshot[]>> => {
  const forgotten = new Set(named(task, ({ forgets }) => forgets));
  const found = new Map<string, readonly Snapshot[]>();
  for (const name of named(task, ({ repositories }) => repositories)) {
    throwIfCancelled(context.signal);
    const health = await diagnoseRepository(repositoryNamed(task.config, name), forgotten.has(name), context);
    add(health.diagnoses);
    if (health.snapshots) found.set(name, health.snapshots);
  }
  return found;
};

const patienceMs = 30_000;

const diagnoseNotifier = async (
  notifier: NotifierConfig,
  { signal, clock, log }: JobContext,
): Promise<Diagnosis> => {
  const subject = `notifier ${notifier.name}`;
  const limited = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    await using opened = await openNotifier(notifier, { signal: limited, clock, log });
    await opened.reach?.(limited);
    return fine(subject, `${opened.location}: answers; \`holdfast notify test\` sends something`);
  } catch (error) {
    throwIfCancelled(signal);
    // Backups go on without anybody being told of them.
    return { ...broken(subject, error, 'check its address and credentials'), level: 'warning' };
  }
};

const verdictOn = (job: JobConfig, diagnoses: readonly Diagnosis[]): JobVerdict => {
  const { sources, asked, repositories, scratch, catalog } = needsOf(job);
  const subjects = new Set([
    `job ${job.name}`,
    storeSubject(job),
    ...sources.map(sourceSubject),
    ...asked.map(({ source, query }) => askedSubject(source, query)),
    ...scratch.map(({ into }) => scratchSubject(into)),
    ...repositories.map((name) => `repository ${name}`),
    ...(catalog ? ['catalog'] : []),
  ]);
  const wrong = diagnoses.filter(({ level, subject }) => level === 'error' && subjects.has(subject));
  return { job: job.name, obstacles: [...new Set(wrong.map(({ subject }) => subject))] };
};
