import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

/** Threads are begun until no file is left to be opened: the system's own words for it. */
const program = `
  import { Worker } from 'node:worker_threads';
  import { openSync } from 'node:fs';
  import { threadEnded } from '#lib/file-limit.ts';
  const worker = () => new Worker('setInterval(() => {}, 1000)', { eval: true });
  try { for (;;) openSync('/dev/null'); } catch {}
  worker().on('error', (error) => { console.log(threadEnded('a thread', error).hint); process.exit(); });
`;

test('a thread for which no file may be opened any more is told with a hint', async (t) => {
  if (process.platform === 'win32') return t.skip('needs ulimit');
  const script = 'ulimit -n 64; exec "$0" --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8' });
  assert.match(stdout, /ulimit -n/, stderr);
});
