// A drill of a whole restore point: that there is one, and that it can be asked what the job asks across it.
import { type Config, type JobConfig, repositoryNamed } from '#config/config.ts';
import { drilledSources } from '#config/jobs/drill.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { printable } from '#lib/format.ts';
import type { Snapshot } from '#repository/contract.ts';
import { type PointTask, pointRequest } from '../drill/point-task.ts';
import type { JobContext } from '../job-context.ts';
import { checkQuery } from '../query/query.ts';
import { choosePoint } from '../restore-point.ts';
import { withRepository } from '../use-repository.ts';
import { broken, type Diagnosis } from './diagnosis.ts';

type DrillJob = Extract<JobConfig, { readonly verb: 'drill' }>;

/** `snapshots` are those of the repository. No rows are read. */
export const diagnosePoint = async (
  job: DrillJob,
  task: PointTask,
  { config, snapshots }: { readonly config: Config; readonly snapshots: readonly Snapshot[] },
  context: JobContext,
): Promise<Diagnosis[]> => {
  const subject = `job ${job.name}`;
  try {
    const sources = drilledSources(job).map(({ source }) => source);
    const { snapshots: others } = choosePoint(snapshots, pointRequest(task, sources));
    if (task.across.length === 0) return [];
    const use = { lock: 'shared', readsIndex: true } as const;
    return await withRepository(repositoryNamed(config, job.from), use, context, async (repository) => {
      const wrong: Diagnosis[] = [];
      for (const { query: sql } of task.across)
        try {
          await checkQuery({ repository, others, sql }, context);
        } catch (error) {
          throwIfCancelled(context.signal);
          const { message, ...rest } = broken(subject, error);
          wrong.push({ ...rest, message: `${printable(sql)}: ${message}` });
        }
      return wrong;
    });
  } catch (error) {
    throwIfCancelled(context.signal);
    return [broken(subject, error)];
  }
};
