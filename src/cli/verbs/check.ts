// A job that checks its repositories.
import { repositoryNamed } from '#config/config.ts';
import { shareOf } from '#config/jobs/check.ts';
import { runCheck } from '#jobs/run-check.ts';
import { HoldfastError } from '#lib/errors.ts';
import { reportCheck } from '../check-report.ts';
import type { RunVerb } from './verb.ts';

export const check: RunVerb<'check'> = async (job, config, { dryRun }, context, output) => {
  const { name } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a check changes nothing`);
  const repositories = job.check.map((repository) => repositoryNamed(config, repository));
  const run = await runCheck({ job: name, repositories, readData: shareOf(job.readData) }, context);
  for (const outcome of run.outcomes) reportCheck(output, outcome);
  const { state, status, id } = run;
  return { state, status, id, fields: { name, state, status } };
};
