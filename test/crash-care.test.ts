// Promise 4 for the commands that care for a repository. The long form is `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killCare } from './tools/kill-care.ts';
import { skipWithoutRestic } from './tools/restic.ts';

test('prune, copy and a change of the password, killed at random moments, cost no snapshot', {
  skip: skipWithoutRestic() ?? false,
}, async (t) => {
  const interrupted = await killCare({ kills: 1, seed: 20_261_121, onRound: (line) => t.diagnostic(line) });
  assert.ok(interrupted > 0, 'some kill came in time');
});
