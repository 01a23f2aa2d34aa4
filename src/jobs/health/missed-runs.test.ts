import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDueTimes } from '#catalog/due-times.ts';
import { testCatalog } from '#catalog/testing.ts';
import { loadText } from '#config/testing.ts';
import { scheduledJob, scheduleKey } from '../schedule.ts';
import { expectedRuns } from './missed-runs.ts';

/** What is expected at that time of a job that a daemon saw at noon, and never since. */
const missedAt = async (schedule: string, time: string): Promise<string | undefined> => {
  using here = testCatalog();
  const { jobs } = await loadText(`
repositories: { nearby: { store: /srv/nearby, password: p } }
sources: { media: { kind: files, path: /srv/media } }
jobs:
  often: { backup: [media], to: [nearby], schedule: ${schedule} }
`);
  const [job] = [...jobs.values()].flatMap(scheduledJob);
  assert.ok(job);
  {
    using dueTimes = openDueTimes(here.catalog.path, assert.fail as (text: string) => never);
    dueTimes.begin(job.name, scheduleKey(job), new Date('2026-11-21T12:00:00Z'));
  }
  const expected = expectedRuns(here.catalog.path, jobs.values(), new Date(time));
  return expected.get('often')?.missed?.toISOString();
};

for (const schedule of ['{ every: 5m }', '{ cron: "*/5 * * * *", timeZone: UTC }'])
  test(`a job that runs often is missed when an hour went by without it: ${schedule}`, async () => {
    assert.equal(await missedAt(schedule, '2026-11-21T12:59:00Z'), undefined);
    assert.equal(await missedAt(schedule, '2026-11-21T13:08:00Z'), '2026-11-21T12:05:00.000Z');
    assert.equal(await missedAt(schedule, '2026-11-28T12:00:00Z'), '2026-11-28T11:00:00.000Z');
  });

test('what was missed yesterday is still missed while the run of today is not late yet', async () => {
  const schedule = '{ cron: "30 3 * * *", timeZone: UTC }';
  assert.equal(await missedAt(schedule, '2026-11-22T04:29:00Z'), undefined);
  for (const time of ['2026-11-22T04:31:00Z', '2026-11-23T04:00:00Z'])
    assert.equal(await missedAt(schedule, time), '2026-11-22T03:30:00.000Z');
});
