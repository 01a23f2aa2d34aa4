// Runs of jobs as those see them who are told: a real mail server, a real web server, the real command line.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { makeCertificate } from './servers/certificate.ts';
import { type HttpServer, startHttp } from './servers/http.ts';
import { freePort } from './servers/process.ts';
import { type SmtpServer, startSmtp } from './servers/smtp.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('notify');
const at = (...parts: string[]): string => join(folder, ...parts);
const clock = standingClock();
const hour = 3_600_000;
let smtp: SmtpServer;
let web: HttpServer;
let nobody: number;

const env = { HOLDFAST_CATALOG: at('catalog.db'), HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
const run = (line: string): Promise<Outcome> => holdfast(line.split(' '), { env, clock });
const configure = (notify: string): void =>
  writeFileSync(
    at('holdfast.yaml'),
    `repositories:
  nearby: { store: ${at('store')}, password: correct-horse }
sources:
  media: { kind: files, path: ${at('media')} }
notifiers:
  ops:
    kind: email
    smtp: smtp://localhost:${smtp.port}
    user: ops
    password: hunter2
    ca: ${at('server.crt')}
    from: holdfast@example.org
    to: [ops@example.org]
  chat: { kind: webhook, url: "${web.url}/chat" }
  monitor: { kind: healthchecks, url: "${web.url}/ping" }
  dead: { kind: webhook, url: "http://127.0.0.1:${nobody}/s3cret" }
jobs:
  nightly: { backup: [media], to: [nearby], notify: ${notify} }
`,
    { mode: 0o600 },
  );

before(async () => {
  const certificate = makeCertificate(folder);
  smtp = await startSmtp({ certificate, login: { user: 'ops', password: 'hunter2' } });
  web = await startHttp();
  nobody = await freePort();
  mkdirSync(at('media'));
  writeFileSync(at('media', 'menu.txt'), 'soup of the day\n');
  configure('[ops]');
  await makeRepository(at('store'), 'correct-horse');
});

after(() => Promise.all([smtp[Symbol.asyncDispose](), web[Symbol.asyncDispose]()]));

const heal = (): void => void mkdirSync(at('media'), { recursive: true });
const hurt = (): void => rmSync(at('media'), { recursive: true });
const subjects = (): string[] => smtp.mails.splice(0).map((mail) => mail.header('subject'));
const places = (): string[] => web.requests.splice(0).map(({ url }) => url.split('?')[0] ?? '');

test('failures are one conversation by mail, told again after half a day, and its end', async () => {
  configure('[ops]');
  assert.equal((await run('run nightly')).status, 0);
  assert.deepEqual(subjects(), [], 'a good run is no news');
  hurt();
  for (let night = 0; night < 3; night += 1) {
    assert.equal((await run('run nightly')).status, 13);
    clock.advance(6 * hour);
  }
  heal();
  writeFileSync(at('media', 'menu.txt'), 'soup of the day\n');
  assert.equal((await run('run nightly')).status, 0);
  const mails = smtp.mails.map((mail) => ({
    subject: mail.header('subject'),
    id: mail.header('message-id'),
    references: mail.header('references'),
    secure: mail.secure,
  }));
  assert.equal(mails.length, 3);
  const [first, again, end] = mails;
  assert.match(first?.subject ?? '', /^\[holdfast\] nightly failed: media: /);
  assert.match(again?.subject ?? '', /^\[holdfast\] nightly still fails, since .*, 3 runs: media: /);
  assert.match(end?.subject ?? '', /^\[holdfast\] nightly is well again; it was not since .*, 3 runs$/);
  assert.deepEqual([again?.references, end?.references], [first?.id, first?.id]);
  assert.ok(mails.every(({ secure }) => secure));
  const raw = smtp.mails.map((mail) => mail.raw + mail.part('text/plain') + mail.part('text/html')).join();
  assert.ok(!/hunter2|correct-horse/.test(raw));
  subjects();
});

test('a monitor is told of every start and end, in that order', async () => {
  configure('[monitor]');
  places();
  await run('run nightly');
  hurt();
  await run('run nightly');
  heal();
  writeFileSync(at('media', 'menu.txt'), 'soup\n');
  await run('run nightly');
  assert.deepEqual(places(), ['/ping/start', '/ping', '/ping/start', '/ping/fail', '/ping/start', '/ping']);
});

test('a notifier that fails fails no backup, and the others and status tell of it', async () => {
  configure('[{ to: dead, when: always }, chat]');
  places();
  const { status, stderr } = await run('run nightly');
  assert.equal(status, 0);
  assert.match(stderr, /notifier dead: http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  const [request, ...others] = web.requests;
  assert.equal(others.length, 0);
  const told = JSON.parse(request?.body ?? '{}');
  assert.equal(told.event, 'trouble');
  assert.match(told.title, /^notifier dead is in trouble: /);
  places();
  assert.equal((await run('run nightly')).status, 0);
  assert.deepEqual(places(), [], 'it is told once');
});

test('notify test tells one, or all, and says which work', async () => {
  configure('[ops]');
  const one = await run('notify test chat');
  assert.equal(one.status, 0);
  assert.match(one.stdout, /chat: told/);
  const all = await run('notify test');
  assert.equal(all.status, 1);
  assert.match(all.stdout, /ops: told/);
  assert.match(all.stderr, /dead: .*ECONNREFUSED/);
  assert.equal(subjects().length, 1);
  assert.equal((await run('notify test nobody')).status, 2);
});

test('nothing that was told or remembered holds a secret', () => {
  const kept = readFileSync(at('catalog.db'), 'latin1');
  for (const secret of ['hunter2', 'correct-horse', 's3cret']) assert.ok(!kept.includes(secret), secret);
});
