// A job that receives: what another machine backed up, into databases and folders of this one.
import { type Config, repositoryNamed, sourceNamed } from '#config/config.ts';
import { formatLag } from '#jobs/receive/lag.ts';
import { endOf, type ReceiveOutcome, type ReceiveTask, runReceive } from '#jobs/receive/run-receive.ts';
import type { RunState } from '#jobs/run-outcome.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import { plural, printable, shortId } from '#lib/format.ts';
import { errorFields } from '../job-report.ts';
import type { Output } from '../output.ts';
import type { JobOf, RunVerb } from './verb.ts';

export const receive: RunVerb<'receive'> = async (job, config, { tags, dryRun }, context, output) => {
  const { name } = job;
  if (dryRun) throw new HoldfastError('USAGE', `${name} has no dry run: a snapshot is loaded or not`);
  if (tags.length > 0)
    throw new HoldfastError('USAGE', `${name} makes no snapshots, so there is nothing to tag`);
  const { id, state, status, outcomes } = await runReceive(receiveTask(job, config), context);
  for (const outcome of outcomes) report(output, outcome);
  const fields = { name, run: id, state, status, receivers: outcomes.map(outcomeFields) };
  const message = { message_type: 'run_done', ...fields };
  const all = plural(outcomes.length, 'receiver');
  if (state === 'ok') output.say(message, outcomes.length > 1 ? `${name}: ${all} (run ${id})` : undefined);
  else output.failure(message, `${name}: ${faultsOf(outcomes)} (run ${id})`);
  return { state, status, id, fields };
};

/** '1 of 2 receivers failed, 1 too far behind' */
const faultsOf = (outcomes: readonly ReceiveOutcome[]): string => {
  const numberOf = (state: RunState): number =>
    outcomes.filter((outcome) => endOf(outcome).state === state).length;
  const [broken, late] = [numberOf('failed'), numberOf('partial')];
  const all = plural(outcomes.length, 'receiver');
  if (broken === 0) return `${late} of ${all} too far behind`;
  return `${broken} of ${all} failed${late > 0 ? `, ${late} too far behind` : ''}`;
};

/** What a job of the file asks for. */
const receiveTask = (job: JobOf<'receive'>, config: Config): ReceiveTask => ({
  job: job.name,
  from: repositoryNamed(config, job.from),
  receptions: job.receive.map(({ into, ...rest }) => ({ ...rest, into: sourceNamed(config, into) })),
  fetching: job.fetchInto && {
    ...job.fetchInto,
    repository: repositoryNamed(config, job.fetchInto.repository),
  },
  floors: job.minFree.map(({ folder, free }) => ({ folder, freeBytes: free })),
  maxLagMs: job.maxLag === undefined ? undefined : durationMs(job.maxLag),
});

const outcomeFields = (outcome: ReceiveOutcome): Record<string, unknown> => {
  const { source, into, error } = outcome;
  const begin = { source, into, ...(error && errorFields(error)) };
  if (!('receipt' in outcome)) return begin;
  const { mark, wholes, changes, rows } = outcome.receipt;
  const lag_seconds = Math.round(outcome.lagMs / 1000);
  return {
    ...begin,
    loaded: wholes,
    applied: changes,
    rows,
    snapshot_id: mark.snapshot,
    time: mark.takenAt,
    lag_seconds,
  };
};

const report = (output: Output, outcome: ReceiveOutcome): void => {
  const { error, into } = outcome;
  const message = { message_type: 'received', ...outcomeFields(outcome) };
  if (error) {
    const hint = hintOf(error);
    const done = takenIn(outcome);
    const but = done === undefined ? '' : `${done}, but `;
    output.failure(message, `${printable(into)}: ${but}${messageOf(error)}`, hint);
  } else output.say(message, `${printable(into)}: ${wordsOf(outcome)}`);
};

const wordsOf = (outcome: ReceiveOutcome): string => {
  if (!('receipt' in outcome)) return '';
  const done = takenIn(outcome) ?? 'nothing new';
  const lag = `${formatLag(outcome.lagMs)} behind`;
  const { gap } = outcome.receipt;
  return [done, lag, ...(gap ? ['a partial snapshot is missing before newer ones'] : [])].join('; ');
};

/** Undefined when it was nothing. */
const takenIn = (outcome: ReceiveOutcome): string | undefined => {
  if (!('receipt' in outcome)) return undefined;
  const { wholes, changes, rows } = outcome.receipt;
  const parts = [
    ...wholes.map((id) => `snapshot ${shortId(id)} loaded`),
    ...(changes.length > 0
      ? [`${plural(changes.length, 'partial snapshot')} applied, ${plural(rows, 'row')}`]
      : []),
  ];
  return parts.length > 0 ? parts.join(', ') : undefined;
};
