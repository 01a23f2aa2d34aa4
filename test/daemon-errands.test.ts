// What the daemon does beside its jobs, as a process.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, portAnswers } from './servers/process.ts';
import { startCli } from './tools/cli.ts';
import { temporaryFolder } from './tools/temp.ts';

test('the daemon serves metrics on the loopback, made by another process', async () => {
  const folder = temporaryFolder('errands');
  const metricsPort = await freePort();
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    join(folder, 'holdfast.yaml'),
    JSON.stringify({
      repositories: { here: { store: join(folder, 'backups'), password: 'a password' } },
      sources: { data: { kind: 'files', path: join(folder, 'data') } },
      jobs: { nightly: { backup: ['data'], to: ['here'], schedule: '30 3 * * *' } },
      daemon: { metricsPort },
    }),
    { mode: 0o600 },
  );
  const daemon = startCli(['daemon'], {
    env: {
      HOLDFAST_CATALOG: join(folder, 'catalog.db'),
      HOLDFAST_CONFIG: join(folder, 'holdfast.yaml'),
    },
  });
  try {
    while (!(await portAnswers(metricsPort))) {
      assert.equal(daemon.process.exitCode, null, 'the daemon ended');
      await wait(50);
    }
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    assert.match(page, /^holdfast_job_well\{job="nightly"\} 0$/m);
    assert.match(page, /^holdfast_repository_reachable\{repository="here"\} 0$/m);
  } finally {
    daemon.process.kill('SIGTERM');
    await daemon.result;
  }
});
