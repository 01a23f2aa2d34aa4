// What no run tells by itself: what did not happen, what broke off, what could not be told then, and the day's digest.
import type { Catalog } from '#catalog/catalog.ts';
import type { Delivery } from '#catalog/notice.ts';
import type { Run } from '#catalog/run.ts';
import type { JobConfig, RepositoryConfig } from '#config/config.ts';
import type { Subscription } from '#config/notify.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { messageOf } from '#lib/errors.ts';
import { formatTime } from '#lib/format.ts';
import { tellOfSites } from '../console/watch.ts';
import { expectedRuns } from '../health/missed-runs.ts';
import { shortage, spaceOf } from '../health/space.ts';
import { digestFor } from './digest.ts';
import { type TellContext, tell, tellOne, tellTrouble, tellUntold } from './notify.ts';
import { endOf } from './run.ts';

/** Tells all that is due now; to be called every few minutes. Two that do so at once may tell twice. */
export const tellWhatIsDue = async (context: TellContext): Promise<Delivery[]> => {
  const { catalog, config, signal } = context;
  if (catalog === undefined) return [];
  const told: Delivery[] = [];
  const expected = expectedRuns(catalog.path, config.jobs.values(), context.clock.now());
  for (const job of config.jobs.values()) {
    throwIfCancelled(signal);
    told.push(...(await tellUnheard(job, catalog, context)));
    told.push(...(await tellMissed(job, expected.get(job.name)?.missed, context)));
    told.push(...(await tellUntold(`job ${job.name}`, job.notify ?? [], context)));
  }
  told.push(...(await tellShortages(context)), ...(await tellOfSites(context)));
  for (const [name, notice] of digestFor(config, catalog, context.clock.now()))
    told.push(await tellOne(name, notice, context));
  return told;
};

/** The last run of the job was killed, or failed where nobody could tell of it, or there was to be none. */
const tellUnheard = async (
  { name, notify = [] }: JobConfig,
  catalog: Catalog,
  context: TellContext,
): Promise<Delivery[]> => {
  const last = lastRun(catalog, name);
  if (last === undefined || notify.length === 0) return [];
  if (last.state === 'skipped')
    return await tellMissed({ name, notify }, last.due ?? last.startedAt, context);
  if (last.state !== 'interrupted' && last.state !== 'failed') return [];
  const known = catalog.notices.trouble(`job ${name}`);
  if (known && known.last >= last.startedAt) return [];
  const occurrence = endOf(name, catalog.run(last.id));
  return occurrence ? await tell(occurrence, notify, context) : [];
};

/** Once for each run that did not come. */
const tellMissed = async (
  { name, notify = [] }: Pick<JobConfig, 'name' | 'notify'>,
  missed: Date | undefined,
  context: TellContext,
): Promise<Delivery[]> => {
  if (missed === undefined || notify.length === 0) return [];
  const subject = `job ${name}`;
  const known = context.catalog?.notices.trouble(subject);
  if (known && known.last >= missed) return [];
  const occurrence = {
    ...{ subject, name, job: name, event: 'missed' as const },
    text: `it was due ${formatTime(missed)}`,
    paragraphs: ['See whether the daemon runs: `systemctl status holdfast`, `holdfast schedule`.'],
  };
  return await tell(occurrence, notify, context);
};

/** Where a repository lies on a disk of this machine that gets full, whoever stores there hears of it. */
const tellShortages = async (context: TellContext): Promise<Delivery[]> => {
  const told: Delivery[] = [];
  for (const repository of context.config.repositories.values()) {
    throwIfCancelled(context.signal);
    const concerned = subscribersOf(repository, context);
    const text = concerned.length > 0 ? await shortageOf(repository, context) : undefined;
    const subject = `repository ${repository.name}`;
    const trouble = { subject, name: subject, text, paragraphs: [makeRoom] };
    told.push(...(await tellTrouble(trouble, concerned, context)));
  }
  return told;
};

const makeRoom =
  '`holdfast forget --prune` frees what the rules do not keep; else give the disk more room, or the repository another one.';

const shortageOf = async (
  repository: RepositoryConfig,
  context: TellContext,
): Promise<string | undefined> => {
  try {
    return shortage(await spaceOf(repository, context), undefined);
  } catch (error) {
    // The jobs that store there tell of it themselves.
    context.log.warn(
      { repository: repository.name, error: messageOf(error) },
      'cannot see how much room is left',
    );
    return undefined;
  }
};

const subscribersOf = ({ name }: RepositoryConfig, { config }: TellContext): Subscription[] =>
  [...config.jobs.values()].flatMap((job) =>
    job.verb === 'backup' && job.to.some(({ repository }) => repository === name) ? (job.notify ?? []) : [],
  );

/** Those that were skipped because somebody wanted it so count as none. */
const lastRun = (catalog: Catalog, job: string): Run | undefined =>
  catalog
    .runs({ job, limit: 20 })
    .find((run) => run.state !== 'skipped' || ('error' in run && run.error?.code === 'MISSED'));
