// Promise 4: nothing is lost at any crash. The long form is `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killBackups } from './tools/kill-backups.ts';
import { killIncrements } from './tools/kill-increments.ts';
import { skipWithoutRestic } from './tools/restic.ts';

test('a backup killed at a random moment costs no snapshot, and the next one uses what it had stored', {
  skip: skipWithoutRestic() ?? false,
}, async (t) => {
  const report = await killBackups({ kills: 3, seed: 20_261_121, onRound: (line) => t.diagnostic(line) });
  assert.ok(report.interrupted > 0, 'some kill came in time');
});

test('a backup by rows killed at a random moment leaves each snapshot with the rows of its moment', async (t) => {
  const report = await killIncrements({ kills: 2, seed: 20_261_123, onRound: (line) => t.diagnostic(line) });
  assert.ok(report.interrupted > 0, 'some kill came in time');
});
