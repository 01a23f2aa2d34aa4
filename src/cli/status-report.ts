// The health, as its user reads it.
import type { Health } from '#jobs/health/health.ts';
import { healthLines, healthTables } from '#jobs/health/tables.ts';
import { runFields } from './commands/runs.ts';
import type { Output } from './output.ts';

/** A table each of jobs, sources and repositories; and a line for each trouble and each notifier that fails. */
export const showHealth = async (output: Output, health: Health): Promise<void> => {
  if (output.json) return await showFields(output, health);
  for (const { columns, rows } of healthTables(health)) await output.table(columns, rows);
  for (const line of healthLines(health)) await output.result(undefined, line);
};

const showFields = async (output: Output, health: Health): Promise<void> => {
  const { jobs, sources, repositories, receivers, notifiers, troubles } = health;
  for (const { job, well, missed, last, lastSuccess } of jobs)
    await output.result(
      {
        message_type: 'job',
        job,
        well,
        missed,
        last: last && runFields(last),
        last_success: lastSuccess && runFields(lastSuccess),
      },
      undefined,
    );
  for (const { good, ...source } of sources)
    await output.result(
      { message_type: 'source', ...source, snapshot_id: good?.id, time: good?.time, size_bytes: good?.bytes },
      undefined,
    );
  for (const { space, bytesPerDay, daysLeft, ...repository } of repositories)
    await output.result(
      {
        message_type: 'repository',
        ...repository,
        free_bytes: space?.freeBytes,
        total_bytes: space?.totalBytes,
        growth_bytes_per_day: bytesPerDay,
        days_left: daysLeft,
      },
      undefined,
    );
  for (const { job, source, into, takenAt, lagMs, snapshot, well, failure } of receivers)
    await output.result(
      {
        ...{ message_type: 'receiver', job, source, into, well, snapshot_id: snapshot, time: takenAt },
        lag_seconds: lagMs === undefined ? undefined : Math.round(lagMs / 1000),
        failing_since: failure?.since,
        error: failure?.error,
      },
      undefined,
    );
  for (const trouble of troubles) await output.result({ message_type: 'trouble', ...trouble }, undefined);
  for (const { notifier, last, worked } of notifiers)
    await output.result({ message_type: 'notifier', notifier, worked, error: last.error }, undefined);
};
