import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { mayBeAlive, thisProcess } from './process-identity.ts';

test('a process that has ended is not alive, also when nobody has asked how it ended', {
  skip: process.platform !== 'linux' && 'only Linux tells',
}, async () => {
  assert.ok(mayBeAlive(thisProcess()));
  // What a shell becomes by exec never asks; the shell itself might.
  const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 >&2 & echo $!; exec sleep 60'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [pid] = await once(parent.stdout, 'data');
    const ended = { host: hostname(), pid: Number(pid), started: '' };
    while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim() !== 'sleep') await sleep(10);
    assert.ok(mayBeAlive(ended));
    parent.stdin.end();
    for (let tries = 0; mayBeAlive(ended) && tries < 100; tries += 1) await sleep(50);
    assert.equal(mayBeAlive(ended), false);
    process.kill(ended.pid, 0); // it is still known
  } finally {
    parent.kill('SIGKILL');
  }
});
