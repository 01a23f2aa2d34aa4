// What no run tells by itself: what did not happen, what broke off, what could not be told then, and the day's digest.
import type { Catalog } from '#catalog/catalog.ts';
import type { Delivery } from '#catalog/notice.ts';
import type { Run } from '#catalog/run.ts';
import type { JobConfig } from '#config/config.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { type TellContext, tell, tellOne, tellUntold } from './notify.ts';
import { digestFor } from './notify-digest.ts';
import { endOf } from './notify-run.ts';

/** Tells all that is due now; to be called every few minutes. Two that do so at once may tell twice. */
export const tellWhatIsDue = async (context: TellContext): Promise<Delivery[]> => {
  const { catalog, config, signal } = context;
  if (catalog === undefined) return [];
  const told: Delivery[] = [];
  for (const job of config.jobs.values()) {
    throwIfCancelled(signal);
    told.push(...(await tellInterrupted(job, catalog, context)));
    told.push(...(await tellUntold(`job ${job.name}`, job.notify ?? [], context)));
  }
  for (const [name, notice] of digestFor(config, catalog, context.clock.now()))
    told.push(await tellOne(name, notice, context));
  return told;
};

/** The last run of the job has no process any more, and nobody has heard of it. */
const tellInterrupted = async (
  { name, notify = [] }: JobConfig,
  catalog: Catalog,
  context: TellContext,
): Promise<Delivery[]> => {
  const last = lastRun(catalog, name);
  if (last?.state !== 'interrupted' || notify.length === 0) return [];
  const known = catalog.notices.trouble(`job ${name}`);
  if (known && known.last >= last.startedAt) return [];
  const occurrence = endOf(name, catalog.run(last.id));
  return occurrence ? await tell(occurrence, notify, context) : [];
};

const lastRun = (catalog: Catalog, job: string): Run | undefined =>
  catalog.runs({ job, limit: 20 }).find(({ state }) => state !== 'skipped');
