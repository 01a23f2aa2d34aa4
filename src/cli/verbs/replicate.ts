// A job that looks after the replications of a CouchDB server.
import { sourceNamed } from '#config/config.ts';
import { type ReplicateOutcome, runReplicate } from '#jobs/replicate/replicate.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import { errorFields } from '../job-report.ts';
import type { Output } from '../output.ts';
import type { RunVerb } from './verb.ts';

export const replicate: RunVerb<'replicate'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name, from, self, security, whenDeleted } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a replication is there or not`);
  if (tags.length > 0)
    throw new HoldfastError('USAGE', `${name} makes no snapshots, so there is nothing to tag`);
  const run = await runReplicate(
    {
      job: name,
      source: sourceNamed(config, job.replicate),
      into: sourceNamed(config, job.into),
      from,
      self,
      security,
      whenDeleted,
      firstSyncMs: durationMs(job.firstSync),
    },
    context,
  );
  const { state, status, id, outcomes, error } = run;
  for (const outcome of outcomes) report(output, name, outcome);
  const counts = {
    databases: outcomes.length,
    in_step: count(outcomes, 'in step'),
    behind: count(outcomes, 'behind'),
  };
  const fields = { name, run: id, state, status, ...counts, ...(error && errorFields(error)) };
  const message = { message_type: 'run_done', ...fields };
  const line = error
    ? `${name}: ${messageOf(error)}`
    : `${name}: ${counts.in_step} of ${plural(counts.databases, 'copy', 'copies')} in step (run ${id})`;
  if (state === 'ok') output.say(message, line);
  else output.failure(message, line, hintOf(error));
  return { state, status, id, fields };
};

const count = (outcomes: readonly ReplicateOutcome[], state: ReplicateOutcome['state']): number =>
  outcomes.filter((outcome) => outcome.state === state).length;

/** Failures are told as events of the run. */
const report = (output: Output, name: string, outcome: ReplicateOutcome): void => {
  if ('error' in outcome) return;
  const { database, state, behind } = outcome;
  output.say(
    { message_type: 'replication', subject: name, database, state, behind },
    `${name}: ${printable(database)} ${state === 'in step' ? 'is in step' : `is behind by ${plural(behind, 'document')}`}`,
  );
};
