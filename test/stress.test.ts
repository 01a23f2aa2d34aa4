// Promises 1 and 4 for several processes of Holdfast and of restic at once. The long form is `npm run soak`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skipWithoutRestic } from './tools/restic.ts';
import { stress } from './tools/stress.ts';

test('whatever several processes do to a repository at once, killed or not, every promise is kept', {
  skip: skipWithoutRestic() ?? false,
}, async (t) => {
  const options = { seed: 10, kills: 1, forMs: 1, store: 'local' } as const;
  const { operations, restores } = await stress({ ...options, onRound: (line) => t.diagnostic(line) });
  assert.ok(operations >= 3 && restores > 0);
});
