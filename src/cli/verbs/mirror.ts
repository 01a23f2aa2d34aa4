// A job that mirrors: listed files under the same names in another store.
import { type Config, sourceNamed } from '#config/config.ts';
import { queryOf } from '#jobs/mirror/list-query.ts';
import { type MirrorTask, runMirror } from '#jobs/mirror/mirror.ts';
import type { MirrorMode } from '#jobs/mirror/work.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatBytes, formatCount, plural } from '#lib/format.ts';
import { errorFields } from '../job-report.ts';
import type { JobOf, RunVerb } from './verb.ts';

export const mirror: RunVerb<'mirror'> = async (job, config, options, context, output) => {
  const { name } = job;
  const { tags, dryRun, mirror: mode = 'new' } = options;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: what it copies is remembered`);
  if (tags.length > 0) throw new HoldfastError('USAGE', `${name} makes files, and files have no tags`);
  const run = await runMirror(mirrorTask(job, config, mode), context);
  const { state, status, id, listed, succeeded, failed, failedBefore, passedOver, bytes, error } = run;
  const counts = { processed: succeeded + failed, succeeded, failed, passed_over: passedOver, listed, bytes };
  const fields = {
    name,
    run: id,
    state,
    status,
    ...counts,
    failed_before: failedBefore,
    ...(error && errorFields(error)),
  };
  const message = { message_type: 'run_done', ...fields };
  const how = mode === 'verify' ? 'as they were written' : `copied (${formatBytes(bytes)})`;
  const rest = passedOver > 0 ? `, ${formatCount(passedOver)} ${passedOverAs[mode]}` : '';
  const before = failedBefore > 0 ? `, ${formatCount(failedBefore)} not OK since earlier runs` : '';
  const line = `${name}: ${error ? 'ended early: ' : ''}${plural(counts.processed, 'file')} processed: ${formatCount(succeeded)} ${how}, ${formatCount(failed)} failed${rest}${before} (run ${id})`;
  output.progressDone();
  if (state === 'ok') output.say(message, line);
  else
    output.failure(
      message,
      line,
      state === 'partial' ? `holdfast mirror --rerun ${name} tries them again` : undefined,
    );
  return { state, status, id, fields };
};

const passedOverAs: Readonly<Record<MirrorMode, string>> = {
  new: 'were OK already',
  rerun: 'were OK already',
  verify: 'not compared',
};

const mirrorTask = (job: JobOf<'mirror'>, config: Config, mode: MirrorMode): MirrorTask => {
  const { name, mirror: from, to, listedBy, lookBack, statusTable } = job;
  return {
    ...{ job: name, from, to, mode },
    query: listedBy && {
      source: sourceNamed(config, listedBy.source),
      text: queryOf(listedBy),
      overlapSeconds: durationMs(lookBack) / 1000,
    },
    statusTable: statusTable === undefined ? undefined : sourceNamed(config, statusTable),
  };
};
