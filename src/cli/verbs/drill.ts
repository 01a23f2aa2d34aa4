// A job that drills: restores the newest snapshots of its sources for a trial.
import { repositoryNamed, sourceNamed } from '#config/config.ts';
import { runDrill } from '#jobs/drill/drill.ts';
import { HoldfastError } from '#lib/errors.ts';
import { drillFields, reportDrill } from '../drill-report.ts';
import type { RunVerb } from './verb.ts';

export const drill: RunVerb<'drill'> = async (job, config, { dryRun }, context, output) => {
  const { name, from, scratch: folder } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a drill is one, of a restore`);
  const subjects = job.drill.map(({ source, into, queries }) => ({
    source,
    into: sourceNamed(config, into ?? source),
    queries,
  }));
  const repository = repositoryNamed(config, from);
  const run = await runDrill({ job: name, repository, subjects, folder }, context);
  for (const outcome of run.outcomes) reportDrill(output, outcome);
  return { state: run.state, status: run.status, id: run.id, fields: { name, ...drillFields(run) } };
};
