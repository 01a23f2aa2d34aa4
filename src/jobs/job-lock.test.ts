import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { takeJobLock } from './job-lock.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-job-lock-'));
after(() => rmSync(root, { recursive: true }));
const folder = join(root, 'state', 'locks');
const options = { wait: false, clock: systemClock, signal: new AbortController().signal };

test('a job has one lock, which others get when it is let go', async () => {
  {
    using lock = await takeJobLock(folder, 'nightly', options);
    assert.ok(lock);
    assert.equal(await takeJobLock(folder, 'nightly', options), undefined);
    using _ = await takeJobLock(folder, 'weekly', options);
    assert.ok(_);
  }
  using again = await takeJobLock(folder, 'nightly', options);
  assert.ok(again);
  assert.deepEqual(
    [folder, join(folder, 'nightly.lock')].map((path) => statSync(path).mode & 0o777),
    [0o700, 0o600],
  );
});

test('waiting for a lock can be cancelled', async () => {
  using _ = await takeJobLock(folder, 'nightly', options);
  const cancel = new AbortController();
  const onWait = (): void => cancel.abort();
  const waiting = takeJobLock(folder, 'nightly', { ...options, wait: true, signal: cancel.signal, onWait });
  await assert.rejects(waiting, { code: 'CANCELLED' });
});

test('a process that is killed leaves no lock behind', async () => {
  const program = `import { takeJobLock } from ${JSON.stringify(join(import.meta.dirname, 'job-lock.ts'))};
    const clock = { now: () => new Date(), sleep: async () => {} };
    globalThis.lock = await takeJobLock(${JSON.stringify(folder)}, 'nightly', { wait: false, clock, signal: new AbortController().signal });
    console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  assert.equal(await takeJobLock(folder, 'nightly', options), undefined);
  child.kill('SIGKILL');
  await once(child, 'close');
  using lock = await takeJobLock(folder, 'nightly', options);
  assert.ok(lock);
});
