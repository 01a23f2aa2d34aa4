import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLog } from './log.ts';
import { dayFiles } from './log-file.ts';

test('each day has a file of its own, only its owner reads it, and old ones go away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-log-'));
  let now = new Date(2026, 10, 20, 23, 59, 59);
  const clock = { now: () => now, sleep: async () => {} };
  try {
    for (const name of [
      'holdfast-2026-11-18.log',
      'holdfast-2026-11-19.log',
      'other-2020-01-01.log',
      'holdfast-x.log',
    ])
      writeFileSync(join(folder, name), '');
    using files = dayFiles({ folder, name: 'holdfast', keepDays: 2 }, clock, (error) =>
      assert.fail(String(error)),
    );
    const log = openLog('info', files);
    log.info({ job: 'nightly' }, 'begins');
    now = new Date(2026, 10, 21, 0, 0, 0);
    log.info('ends');
    log.debug('too fine');
    assert.deepEqual(readdirSync(folder).sort(), [
      'holdfast-2026-11-20.log',
      'holdfast-2026-11-21.log',
      'holdfast-x.log',
      'other-2020-01-01.log',
    ]);
    const lines = readFileSync(join(folder, 'holdfast-2026-11-20.log'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ job, msg }) => ({ job, msg })),
      [{ job: 'nightly', msg: 'begins' }],
    );
    assert.equal(statSync(join(folder, 'holdfast-2026-11-21.log')).mode & 0o777, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a folder that cannot be written is told of once, and stops nobody', () => {
  const troubles: unknown[] = [];
  const clock = { now: () => new Date(0), sleep: async () => {} };
  using files = dayFiles({ folder: '/dev/null/log', name: 'holdfast', keepDays: 1 }, clock, (error) =>
    troubles.push(error),
  );
  const log = openLog('info', files);
  log.info('one');
  log.info('two');
  assert.equal(troubles.length, 1);
});
