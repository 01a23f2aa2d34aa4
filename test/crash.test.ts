// Promise 4: nothing is lost at any crash. The long form is `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killBackups } from './tools/kill-backups.ts';
import { skipWithoutRestic } from './tools/restic.ts';

test('a backup killed at a random moment costs no snapshot, and the next one uses what it had stored', {
  skip: skipWithoutRestic() ?? false,
}, async (t) => {
  const report = await killBackups({ kills: 4, seed: 20_261_121, onRound: (line) => t.diagnostic(line) });
  assert.ok(report.interrupted > 0, 'some kill came in time');
});
