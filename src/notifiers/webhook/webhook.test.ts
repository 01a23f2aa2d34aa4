import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { jumpingClock } from '#lib/testing.ts';
import { type HttpReply, type HttpRequest, startHttp } from '../../../test/servers/http.ts';
import { freePort } from '../../../test/servers/process.ts';
import { notifierChecks } from '../contract.ts';
import { deliver } from '../deliver.ts';
import { noSignal, openConfigured, sampleNotice } from '../testing.ts';
import { webhook } from './webhook.ts';

const started = async (
  reply?: (request: HttpRequest, count: number) => HttpReply | 'nothing' | undefined,
) => {
  const server = await startHttp(reply);
  after(() => server[Symbol.asyncDispose]());
  return server;
};
const open = (settings: Record<string, unknown>) => openConfigured(webhook, settings);

for (const { name, run } of notifierChecks)
  test(`webhook: ${name}`, async () => {
    const server = await started();
    const port = await freePort();
    await run({
      open: () => open({ url: server.url }),
      openInVain: (secret) => open({ url: `http://127.0.0.1:${port}/${secret}`, token: secret }),
      notice: sampleNotice(),
      received: () => server.requests.map(({ body }) => body).join('\n'),
    });
  });

/** What a service of this format is sent. */
const posted = async (format: string, path = '', more: Record<string, unknown> = {}) => {
  const server = await started();
  await using notifier = await open({ url: server.url + path, format, ...more });
  await notifier.send(sampleNotice(), noSignal);
  const [request] = server.requests;
  assert.ok(request);
  assert.equal(request.headers['content-type'], 'application/json');
  return { ...request, json: JSON.parse(request.body) };
};

test('the JSON of Holdfast itself has every fact, and the headers that were asked for', async () => {
  const { json, headers, method } = await posted('json', '/hook', {
    token: 't0',
    headers: { 'X-Team': 'db' },
  });
  assert.deepEqual([method, headers.authorization, headers['x-team']], ['POST', 'Bearer t0', 'db']);
  assert.equal(json.event, 'failure');
  assert.deepEqual([json.run.items_processed, json.run.items_failed], [1204, 1]);
  assert.equal(json.run.failures[0].item, 'public.<orders>');
});

test('Slack gets text in which nobody is called by a name of a table', async () => {
  const { json } = await posted('slack');
  assert.match(json.text, /&lt;b&gt;🦭/);
  assert.match(json.attachments[0].text, /public\.&lt;orders&gt;/);
});

test('Teams gets an adaptive card', async () => {
  const { json } = await posted('teams');
  assert.equal(json.attachments[0].contentType, 'application/vnd.microsoft.card.adaptive');
  assert.match(json.attachments[0].content.body[0].text, /Zoë/);
});

test('Discord gets an embed that mentions nobody', async () => {
  const { json } = await posted('discord');
  assert.deepEqual(json.allowed_mentions, { parse: [] });
  assert.match(json.embeds[0].title, /Zoë/);
});

test('ntfy gets the topic of the address in the body, at the root of the server', async () => {
  const { json, url, headers } = await posted('ntfy', '/backups', { token: 'tk' });
  assert.deepEqual([url, json.topic, json.priority], ['/', 'backups', 5]);
  assert.equal(headers.authorization, 'Bearer tk');
});

test('Gotify gets a message with its own key', async () => {
  const { json, url, headers } = await posted('gotify', '/push', { token: 'tk' });
  assert.deepEqual([url, headers['x-gotify-key'], json.priority], ['/push/message', 'tk', 8]);
});

test('what answers 503 or 429 is tried again, as late as it asks', async () => {
  const answers: HttpReply[] = [
    { status: 503 },
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 200 },
  ];
  const server = await started((_, count) => answers[count - 1]);
  await using notifier = await open({ url: server.url });
  const clock = jumpingClock();
  const before = clock.now().getTime();
  const attempts = await deliver(notifier, sampleNotice(), { clock, log: silentLog, signal: noSignal });
  assert.deepEqual([attempts, server.requests.length], [3, 3]);
  assert.equal(clock.now().getTime() - before, 1000 + 7000);
});

test('what stays away is given up, and what says no is not asked again', async () => {
  const down = await started(() => ({ status: 500 }));
  await using failing = await open({ url: down.url });
  const options = { clock: jumpingClock(), log: silentLog, signal: noSignal };
  await assert.rejects(deliver(failing, sampleNotice(), options), { code: 'NOTIFIER_UNREACHABLE' });
  assert.equal(down.requests.length, 4);

  const refusing = await started(() => ({ status: 403 }));
  await using refused = await open({ url: refusing.url });
  await assert.rejects(deliver(refused, sampleNotice(), options), {
    code: 'NOTIFIER_REFUSED',
    message: /403/,
  });
  assert.equal(refusing.requests.length, 1);
});

test('a redirect is followed on the same host, and nothing is sent to another', async () => {
  const other = await started();
  const server = await started(({ url }) => {
    if (url === '/old') return { status: 307, headers: { location: '/new' } };
    if (url === '/away') return { status: 307, headers: { location: `${other.url}/taken` } };
    return undefined;
  });
  await using moved = await open({ url: `${server.url}/old`, token: 't' });
  await moved.send(sampleNotice(), noSignal);
  assert.equal(server.requests[1]?.url, '/new');
  await using lured = await open({ url: `${server.url}/away`, token: 't' });
  await assert.rejects(lured.send(sampleNotice(), noSignal), {
    code: 'NOTIFIER_REFUSED',
    message: /redirects to/,
  });
  assert.equal(other.requests.length, 0);
});

test('a server that says nothing is given up in time', async () => {
  const server = await started(() => 'nothing');
  await using notifier = await open({ url: server.url, timeoutSeconds: 1 });
  await assert.rejects(notifier.send(sampleNotice(), noSignal), { message: /no answer within 1 s/ });
});

test('an address that is none is refused without being shown', async () => {
  await using notifier = await open({ url: { command: 'echo hooks.example.org/s3cret' } });
  await assert.rejects(
    notifier.send(sampleNotice(), noSignal),
    (error: Error) => /is not http/.test(error.message) && !error.message.includes('s3cret'),
  );
});
