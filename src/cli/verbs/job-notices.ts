// Who is told of one run: that it begins, and how it ended.
import type { Run } from '#catalog/run.ts';
import type { JobConfig } from '#config/config.ts';
import type { Subscription } from '#config/notify.ts';
import { type TellContext, tell } from '#jobs/notify/notify.ts';
import type { Occurrence } from '#jobs/notify/rules.ts';
import { detailsOf, endOf, startOf } from '#jobs/notify/run.ts';
import type { RunRecord } from '#jobs/record.ts';
import { thisProcess } from '#lib/process-identity.ts';
import type { WholeJobContext } from './whole-job.ts';

export interface JobNotices {
  /** Tells that it has begun, without waiting for that. */
  begun(): void;
  /** Tells how it ended. Never throws: a notifier that fails never fails the run. */
  ended(): Promise<void>;
}

/** The notices of one run, which `record` is about. */
export const noticesOf = (
  { name: job, verb, notify = [] }: JobConfig,
  { run, config, output }: WholeJobContext,
  record: RunRecord,
): JobNotices => {
  const { catalog, clock, log, signal } = run;
  const context: TellContext = { config, catalog, clock, log, signal };
  const begin = { id: record.id, job, verb, startedAt: clock.now(), process: thisProcess() };
  const state = (): Run => ({ ...begin, ...(record.ended ?? { state: 'running' }) });
  let told = Promise.resolve();
  /** One after the other: a start that comes after its end would be a run that hangs. */
  const thenTell = (occurrence: Occurrence, subscriptions: readonly Subscription[]): Promise<void> => {
    told = told.then(async () => {
      for (const { notifier, error } of await tell(occurrence, subscriptions, context))
        if (error) output.warn(`notifier ${notifier}: ${error.message}`, error.hint);
    });
    return told;
  };
  return {
    begun() {
      if (notify.length > 0) void thenTell(startOf(job, state()), notify);
    },
    async ended() {
      const end = notify.length > 0 ? endOf(job, detailsOf(catalog, state())) : undefined;
      await (end ? thenTell(end, notify) : told);
    },
  };
};
