import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type HttpReply, startHttp } from '../../../test/servers/http.ts';
import { freePort } from '../../../test/servers/process.ts';
import { notifierChecks } from '../contract.ts';
import { noSignal, openConfigured, sampleNotice } from '../testing.ts';
import { healthchecks } from './healthchecks.ts';

const started = async (reply?: () => HttpReply) => {
  const server = await startHttp(reply);
  after(() => server[Symbol.asyncDispose]());
  return server;
};
const open = (settings: Record<string, unknown>) => openConfigured(healthchecks, settings);

for (const style of ['healthchecks', 'uptime-kuma'])
  for (const { name, run } of notifierChecks)
    test(`${style}: ${name}`, async () => {
      const server = await started();
      const port = await freePort();
      await run({
        open: () => open({ url: `${server.url}/ping/uuid`, style }),
        openInVain: (secret) => open({ url: `http://127.0.0.1:${port}/${secret}`, style }),
        notice: sampleNotice(),
        received: () =>
          server.requests
            .map(({ url, body }) => decodeURIComponent(url.replaceAll('+', ' ')) + body)
            .join('\n'),
      });
    });

test('start, end and failure of a run are pings of one run', async () => {
  const server = await started();
  await using notifier = await open({ url: `${server.url}/ping/uuid` });
  for (const event of ['start', 'success', 'failure', 'suspicious', 'recovery', 'missed', 'test'] as const)
    await notifier.send(sampleNotice({ event }), noSignal);
  const places = server.requests.map(({ url }) => url.split('?')[0]?.replace('/ping/uuid', ''));
  assert.deepEqual(places, ['/start', '', '/fail', '/fail', '', '/fail', '/log']);
  const runs = new Set(server.requests.map(({ url }) => new URLSearchParams(url.split('?')[1]).get('rid')));
  assert.equal(runs.size, 1);
  assert.match([...runs][0] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(server.requests[2]?.body ?? '', /failed 1/);
});

test('Uptime Kuma is told up or down, with how long the run took, and no starts', async () => {
  const server = await started(() => ({ status: 200, body: '{"ok":true}' }));
  await using notifier = await open({
    url: `${server.url}/api/push/k?status=up&msg=OK&ping=`,
    style: 'uptime-kuma',
  });
  for (const event of ['start', 'success', 'partial'] as const)
    await notifier.send(sampleNotice({ event }), noSignal);
  const told = server.requests.map(({ url }) => new URLSearchParams(url.split('?')[1]));
  assert.deepEqual(
    told.map((query) => [query.get('status'), query.get('ping')]),
    [
      ['up', '12000'],
      ['down', '12000'],
    ],
  );
});

test('a push monitor that is not there is an error, though it answers 200', async () => {
  const server = await started(() => ({ status: 200, body: '{"ok":false,"msg":"Monitor not found."}' }));
  await using notifier = await open({ url: `${server.url}/api/push/k`, style: 'uptime-kuma' });
  await assert.rejects(notifier.send(sampleNotice(), noSignal), { code: 'NOTIFIER_REFUSED' });
});
