import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHooks } from './hooks.ts';

test('a hook is told of an error that no program could be started with', async () => {
  const lines: string[] = [];
  const facts = { job: 'nightly', verb: 'backup', run: '1', started: '', state: 'failed' };
  const error = `bad value 'a\0b'${'x'.repeat(200_000)}`;
  const command = 'echo "$HOLDFAST_ERROR" | cut -c 1-14';
  await runHooks(
    'failure',
    [{ command, timeLimit: '1m' }],
    { ...facts, error },
    {
      signal: new AbortController().signal,
      env: {},
      onLine: (line) => lines.push(line),
    },
  );
  assert.deepEqual(lines, ["bad value 'ab'"]);
});
