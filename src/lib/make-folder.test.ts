import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { makeFolder } from './make-folder.ts';

test('what is missing is made, and told, the uppermost first', () => {
  const top = mkdtempSync(join(tmpdir(), 'holdfast-make-folder-'));
  try {
    assert.deepEqual(makeFolder(join(top, 'a', 'b'), 0o700), [join(top, 'a'), join(top, 'a', 'b')]);
    assert.deepEqual(makeFolder(join(top, 'a', 'b'), 0o700), []);
    assert.equal(statSync(join(top, 'a')).mode & 0o777, 0o700);
    writeFileSync(join(top, 'file'), '');
    assert.throws(() => makeFolder(join(top, 'file'), 0o700), { code: 'EEXIST' });
    assert.throws(() => makeFolder(join(top, 'file', 'x'), 0o700), { code: 'ENOTDIR' });
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('a place where no folder can be made is an error, not an endless loop', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, () => {
  assert.throws(() => makeFolder('/proc/none/below', 0o700), { code: 'ENOENT' });
});

test('two that make the same folders at the same time both have them', async () => {
  const top = mkdtempSync(join(tmpdir(), 'holdfast-make-folder-'));
  try {
    const rounds = 200; // the two meet in almost every second one
    const turn = new Int32Array(new SharedArrayBuffer(4));
    await Promise.all(
      ['a', 'b'].map(async (name) => {
        const options = { workerData: { top, name, rounds, turn } };
        const [ended] = await once(new Worker(workerSource, { eval: true, ...options }), 'message');
        assert.equal(ended, 'made all');
      }),
    );
  } finally {
    rmSync(top, { recursive: true });
  }
});

/** Makes its folder below one of both in each round, and waits for the other before the next. */
const workerSource = `
  const { parentPort, workerData: { top, name, rounds, turn } } = require('node:worker_threads');
  import(${JSON.stringify(new URL('make-folder.ts', import.meta.url).href)}).then(({ makeFolder }) => {
    for (let round = 1; round <= rounds; round += 1) {
      Atomics.add(turn, 0, 1);
      while (Atomics.load(turn, 0) < 2 * round);
      makeFolder(top + '/' + round + '/' + name, 0o700);
    }
    parentPort.postMessage('made all');
  }).catch((error) => {
    Atomics.store(turn, 0, 2 * rounds); // the other need not wait
    parentPort.postMessage(error.message);
  });
`;
