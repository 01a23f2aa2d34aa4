// A job that archives: its sources as plain files into its stores.
import { runArchive } from '#jobs/archive/run.ts';
import { archiveTask } from '#jobs/archive/task.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { outcomeFields } from '../job-report.ts';
import type { RunVerb } from './verb.ts';

export const archive: RunVerb<'archive'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: an archive is whole or not made`);
  if (tags.length > 0) throw new HoldfastError('USAGE', `${name} makes files, and files have no tags`);
  const run = await runArchive(archiveTask(job, config), context);
  const { state, status, id, outcomes, files } = run;
  const failures = outcomes.filter((outcome) => 'error' in outcome).length;
  const line = `${name}: ${plural(files.length, 'file')} archived${failures > 0 ? `, ${failures} of ${plural(outcomes.length, 'part')} failed` : ''} (run ${id})`;
  const made = files.map(({ sizeBytes, ...file }) => ({ ...file, bytes: sizeBytes }));
  const fields = { name, run: id, state, status, files: made, sources: outcomes.map(outcomeFields) };
  const message = { message_type: 'run_done', ...fields };
  if (state === 'ok') output.say(message, line);
  else output.failure(message, line);
  return { state, status, id, fields };
};
