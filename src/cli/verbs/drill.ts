// A job that drills: restores the newest snapshots of its sources, or a whole restore point, for a trial.
import { repositoryNamed, sourceNamed } from '#config/config.ts';
import { drilledSources } from '#config/jobs/drill.ts';
import { runDrill } from '#jobs/drill/drill.ts';
import { pointTaskOf } from '#jobs/drill/point-task.ts';
import { HoldfastError } from '#lib/errors.ts';
import { drillFields, reportDrills } from '../drill-report.ts';
import type { RunVerb } from './verb.ts';

export const drill: RunVerb<'drill'> = async (job, config, { dryRun }, context, output) => {
  const { name, from, scratch: folder } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a drill is one, of a restore`);
  const subjects = drilledSources(job).map(({ source, into, queries }) => ({
    source,
    into: sourceNamed(config, into ?? source),
    queries,
  }));
  const repository = repositoryNamed(config, from);
  const point = pointTaskOf(job);
  const run = await runDrill({ job: name, repository, subjects, folder, ...(point && { point }) }, context);
  reportDrills(output, run);
  return { state: run.state, status: run.status, id: run.id, fields: { name, ...drillFields(run) } };
};
