import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mayBeAlive, thisProcess } from './process-identity.ts';

test('a process that has ended is not alive, also when nobody has asked how it ended', {
  skip: process.platform !== 'linux' && 'only Linux tells',
}, async () => {
  assert.ok(mayBeAlive(thisProcess()));
  const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [pid] = await once(parent.stdout, 'data');
    const ended = { host: hostname(), pid: Number(pid), started: '' };
    process.kill(ended.pid, 0); // it is still known
    for (let tries = 0; mayBeAlive(ended) && tries < 100; tries += 1) await sleep(50);
    assert.equal(mayBeAlive(ended), false);
    process.kill(ended.pid, 0);
  } finally {
    parent.kill('SIGKILL');
  }
});
