// The frame of a run of any verb: it is remembered from before its work begins until that has ended, however it ends.
import type { NewRun } from '#catalog/run.ts';
import { newRunId } from '#catalog/run-id.ts';
import { beginRecord, type RunRecord } from './record.ts';
import type { RunContext } from './run-backup.ts';

export interface RunToRecord extends Pick<NewRun, 'verb'> {
  /** Undefined for a run that the command line describes. */
  readonly job: string | undefined;
  /** For a trial that the catalog is to know nothing of. */
  readonly dryRun?: boolean;
}

export interface RecordedRun {
  readonly id: string;
  readonly startedAt: Date;
  /** Absent where nothing can be remembered, or is to be. */
  readonly record: RunRecord | undefined;
  /** The context, but that what is told of items goes into the record, too. */
  readonly watched: RunContext;
}

/** Does the work, which says itself how it ended: `record?.end`. What it throws is recorded and thrown on. */
export const recorded = async <Result>(
  { verb, job, dryRun = false }: RunToRecord,
  context: RunContext,
  work: (run: RecordedRun) => Promise<Result>,
): Promise<Result> => {
  const startedAt = context.clock.now();
  const run = { verb, startedAt, ...(job !== undefined && { job }) };
  const record = dryRun ? undefined : beginRecord(context.catalog, run, context);
  const id = record?.id ?? newRunId(startedAt);
  const onEvent: RunContext['onEvent'] = (event) => {
    context.onEvent(event);
    record?.event(event);
  };
  try {
    return await work({ id, startedAt, record, watched: { ...context, onEvent } });
  } catch (error) {
    record?.thrown(error);
    throw error;
  }
};
