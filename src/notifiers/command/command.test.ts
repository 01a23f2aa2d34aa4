import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '#lib/secret.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { notifierChecks } from '../contract.ts';
import { noSignal, openConfigured, sampleNotice } from '../testing.ts';
import { command } from './command.ts';

const folder = temporaryFolder('command');
const open = (line: string | string[], timeoutSeconds = 10) =>
  openConfigured(command, { command: line, timeoutSeconds });

for (const { name, run } of notifierChecks)
  test(`command: ${name}`, async () => {
    const file = join(folder, name.replaceAll(/\W/g, '-'));
    await run({
      open: () => open(`cat >> ${file}`),
      openInVain: (secret) => open(`echo ${secret}; exit 3`),
      notice: sampleNotice(),
      received: () => readFileSync(file, 'utf8'),
    });
  });

test('the facts are in the environment, and the passwords of repositories are not', async () => {
  const file = join(folder, 'env');
  process.env.HOLDFAST_PASSWORD = 'hunter2';
  process.env.OFFSITE = 'hunter2 as well';
  new Secret('', { kind: 'env', name: 'OFFSITE' });
  try {
    await using notifier = await open(['sh', '-c', `env > ${file}`]);
    await notifier.send(sampleNotice(), noSignal);
  } finally {
    delete process.env.HOLDFAST_PASSWORD;
    delete process.env.OFFSITE;
  }
  const env = readFileSync(file, 'utf8');
  assert.match(env, /^HOLDFAST_EVENT=failure$/m);
  assert.match(env, /^HOLDFAST_JOB=nightly$/m);
  assert.match(env, /^HOLDFAST_STATUS=3$/m);
  assert.ok(!env.includes('hunter2'));
});

test('a program that reads nothing may still succeed', async () => {
  await using notifier = await open(['true']);
  const many = Array.from({ length: 5000 }, (_, at) => ({
    source: 's',
    item: `table ${at}`,
    message: 'x'.repeat(90),
  }));
  const notice = sampleNotice();
  await notifier.send({ ...notice, run: { ...notice.run!, failures: many } }, noSignal);
});

test('one that is not there, fails or takes too long is told', async () => {
  await using missing = await open([join(folder, 'nowhere')]);
  await assert.rejects(missing.send(sampleNotice(), noSignal), { message: /could not be started/ });
  await using failing = await open('exit 7');
  await assert.rejects(failing.send(sampleNotice(), noSignal), { message: /status 7/, hint: /by hand/ });
  const file = join(folder, 'late');
  await using slow = await open(`sleep 20; touch ${file}`, 1);
  await assert.rejects(slow.send(sampleNotice(), noSignal), { message: /did not end within 1 s/ });
  assert.ok(!existsSync(file));
});
