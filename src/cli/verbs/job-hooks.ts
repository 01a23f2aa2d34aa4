// The hooks of one run: when they run, what they are told, and what becomes of the run when they fail.
import type { JobConfig } from '#config/config.ts';
import type { HookConfig, HooksConfig } from '#config/hooks.ts';
import { type HookFacts, type HookMoment, runHooks } from '#jobs/hooks.ts';
import { type RunRecord, recordStates } from '#jobs/record.ts';
import { partial } from '#jobs/run-outcome.ts';
import { asError, hintOf, messageOf } from '#lib/errors.ts';
import { withoutSecrets } from '#lib/secret.ts';
import { errorFields } from '../job-report.ts';
import type { Output } from '../output.ts';
import type { JobRun } from './verb.ts';
import type { WholeJobContext, WholeJobOptions } from './whole-job.ts';

export interface JobHooks {
  /** Throws what failed, which stops the job. */
  before(signal: AbortSignal): Promise<'go on' | 'skip'>;
  /** Throws what failed, and then nothing of the job is stored. */
  held(signal: AbortSignal): Promise<void>;
  /** Those that come when the job is over. One that fails is reported, and a run that went well is then partial. */
  after(run: JobRun): Promise<JobRun>;
  /** Those that come however the job ended. */
  afterCancelled(): Promise<void>;
}

/** The hooks of this job, for the run that the record is of. */
export const hooksOf = (
  job: JobConfig,
  { due }: WholeJobOptions,
  { run: { clock }, output, hookEnv }: WholeJobContext,
  record: RunRecord,
): JobHooks => {
  const hooks: HooksConfig = job.hooks ?? {};
  const begun = {
    job: job.name,
    verb: job.verb,
    run: record.id,
    started: clock.now().toISOString(),
    due: due?.toISOString(),
  };
  const runAll = async (
    moment: HookMoment,
    commands: readonly HookConfig[],
    facts: HookFacts,
    signal: AbortSignal,
  ): Promise<'go on' | 'skip'> => {
    const onLine = (line: string): void => {
      const text = withoutSecrets(line);
      output.say({ message_type: 'hook_output', hook: moment, text }, `${moment}: ${text}`);
    };
    return await runHooks(moment, commands, facts, { signal, env: hookEnv, onLine });
  };
  /** What happened cannot be cancelled any more: only their own time limits end these. */
  const runLate = async (
    moment: HookMoment,
    commands: readonly HookConfig[],
    facts: HookFacts,
  ): Promise<boolean> => {
    try {
      await runAll(moment, commands, facts, new AbortController().signal);
      return true;
    } catch (error) {
      record.complain(error);
      const message = { message_type: 'hook_failed', name: job.name, ...errorFields(asError(error)) };
      const hint = hintOf(error);
      output.failure(message, `${job.name}: ${messageOf(error)}`, hint);
      return false;
    }
  };
  const factsOf = (state: string, status: number): HookFacts => ({
    ...begun,
    state,
    status: String(status),
    ended: clock.now().toISOString(),
    error: record.ended?.error?.message,
  });
  return {
    before: (signal) => runAll('before', hooks.before ?? [], { ...begun, state: 'running' }, signal),
    async held(signal) {
      await runAll('held', hooks.held ?? [], { ...begun, state: 'running' }, signal);
    },
    async after(run) {
      let ended = run;
      for (const moment of ['after', 'on'] as const) {
        const [name, commands] =
          moment === 'after' ? (['after', hooks.after] as const) : ofOutcome(hooks, ended);
        const facts = factsOf(recordStates[ended.state], ended.status);
        if (!(await runLate(name, commands ?? [], facts)) && ended.state === 'ok') ended = asPartial(ended);
      }
      if (ended.state !== run.state) reportPartial(ended, output);
      return ended;
    },
    async afterCancelled() {
      await runLate('after', hooks.after ?? [], factsOf('cancelled', record.ended?.exitStatus ?? 0));
    },
  };
};

const ofOutcome = (
  { on }: HooksConfig,
  { state }: JobRun,
): readonly [HookMoment, readonly HookConfig[] | undefined] => {
  if (state === 'failed') return ['failure', on?.failure];
  return state === 'partial' ? ['partial', on?.partial] : ['success', on?.success];
};

/** What the job said of itself is no longer true. */
const reportPartial = ({ id, fields }: JobRun, output: Output): void =>
  output.failure(
    { message_type: 'run_partial', ...fields },
    `${fields.name}: partial: all but a hook went well (run ${id})`,
  );

const asPartial = (run: JobRun): JobRun => ({ ...run, ...partial, fields: { ...run.fields, ...partial } });
