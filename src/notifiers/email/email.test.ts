import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeCertificate } from '../../../test/servers/certificate.ts';
import { freePort } from '../../../test/servers/process.ts';
import { type SmtpOptions, startSmtp } from '../../../test/servers/smtp.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { notifierChecks } from '../contract.ts';
import { noSignal, openConfigured, sampleNotice } from '../testing.ts';
import { email } from './email.ts';

const certificate = makeCertificate(temporaryFolder('smtp'));
const login = { user: 'ops', password: 'hunter2' };
const started = async (options: SmtpOptions = {}) => {
  const server = await startSmtp(options);
  after(() => server[Symbol.asyncDispose]());
  return server;
};
const addresses = { from: 'Holdfast <holdfast@example.org>', to: ['ops@example.org', 'boss@example.org'] };
const open = (settings: Record<string, unknown>) => openConfigured(email, { ...addresses, ...settings });

const strict = await started({ certificate, login });
const toStrict = { smtp: `smtp://localhost:${strict.port}`, ...login, ca: certificate.file };

for (const { name, run } of notifierChecks)
  test(`email: ${name}`, async () => {
    const port = await freePort();
    await run({
      open: () => open(toStrict),
      openInVain: (secret) => open({ smtp: `smtp://127.0.0.1:${port}`, user: 'ops', password: secret }),
      notice: sampleNotice(),
      received: () => strict.mails.map((mail) => mail.header('subject') + mail.part('text/plain')).join('\n'),
    });
  });

test('a mail comes over STARTTLS from who logged in, to all, with the report in text and HTML', async () => {
  const server = await started({ certificate, login });
  await using notifier = await open({ ...toStrict, smtp: `smtp://localhost:${server.port}` });
  await notifier.send(sampleNotice(), noSignal);
  const [mail, ...others] = server.mails;
  assert.ok(mail && others.length === 0);
  assert.deepEqual(
    { from: mail.from, to: mail.to, secure: mail.secure, user: mail.user },
    { from: 'holdfast@example.org', to: addresses.to, secure: true, user: 'ops' },
  );
  assert.equal(mail.header('subject'), `[holdfast] ${sampleNotice().title}`);
  assert.equal(mail.header('auto-submitted'), 'auto-generated');
  assert.match(mail.part('text/plain'), /processed 1,204, succeeded 1,203, failed 1/);
  assert.match(mail.part('text/plain'), /shop: public\.<orders>: permission denied \(grant select/);
  const html = mail.part('text/html');
  assert.match(html, /processed 1,204, succeeded 1,203, failed 1/);
  assert.match(html, /public\.&lt;orders&gt;/);
  assert.match(html, /&lt;b&gt;🦭&lt;\/b&gt;/);
  assert.ok(!mail.raw.includes('hunter2'));
});

test('smtps is TLS from the first byte', async () => {
  const server = await started({ certificate, login, secure: true });
  await using notifier = await open({
    ...toStrict,
    smtp: `smtps://ops@localhost:${server.port}`,
    user: undefined,
  });
  await notifier.send(sampleNotice(), noSignal);
  assert.deepEqual([server.mails[0]?.secure, server.mails[0]?.user], [true, 'ops']);
});

test('a password goes neither to a server without TLS nor to one with an unknown certificate', async () => {
  const plain = await started();
  await using toPlain = await open({ smtp: `smtp://localhost:${plain.port}`, ...login });
  await assert.rejects(toPlain.send(sampleNotice(), noSignal), {
    code: 'NOTIFIER_REFUSED',
    message: /STARTTLS/,
  });
  await using untrusting = await open({ ...toStrict, ca: undefined });
  const before = strict.mails.length;
  await assert.rejects(untrusting.send(sampleNotice(), noSignal), {
    code: 'NOTIFIER_REFUSED',
    message: /self-signed certificate/,
    hint: /ca:/,
  });
  assert.equal(strict.mails.length, before);
});

test('without a password TLS is taken where it is offered, and a server without it is fine', async () => {
  const withTls = await started({ certificate });
  const without = await started();
  for (const server of [withTls, without]) {
    await using notifier = await open({ smtp: `smtp://localhost:${server.port}` });
    await notifier.send(sampleNotice(), noSignal);
  }
  assert.deepEqual([withTls.mails[0]?.secure, without.mails[0]?.secure], [true, false]);
});

test('a wrong password and a refused recipient are told, and not tried again', async () => {
  await using wrong = await open({ ...toStrict, password: 'wrong' });
  await assert.rejects(wrong.send(sampleNotice(), noSignal), { code: 'NOTIFIER_REFUSED', hint: /password/ });
  const picky = await started({
    refuse: (to) =>
      to.startsWith('boss') ? Object.assign(new Error('no such user'), { responseCode: 550 }) : undefined,
  });
  await using notifier = await open({ smtp: `smtp://localhost:${picky.port}` });
  await assert.rejects(notifier.send(sampleNotice(), noSignal), {
    code: 'NOTIFIER_REFUSED',
    message: 'the mail server refused boss@example.org',
  });
});

test('the notices of one trouble are one conversation', async () => {
  const server = await started();
  await using notifier = await open({ smtp: `smtp://localhost:${server.port}` });
  const thread = { id: 'trouble-1', since: new Date('2026-11-21T03:30:00Z'), runs: 1, first: true };
  await notifier.send(sampleNotice({ id: 'a', thread }), noSignal);
  await notifier.send(sampleNotice({ id: 'b', thread: { ...thread, runs: 2, first: false } }), noSignal);
  const [first, second] = server.mails;
  const root = first?.header('message-id');
  assert.equal(root, '<holdfast.trouble-1@db1.example.org>');
  assert.deepEqual([second?.header('references'), second?.header('in-reply-to')], [root, root]);
  assert.notEqual(second?.header('message-id'), root);
});

test('what cannot be meant is refused in the file', () => {
  const refused = (settings: Record<string, unknown>, message: RegExp) => {
    const result = email.config.safeParse({ smtp: 'smtp://mail', ...addresses, ...settings });
    assert.match(result.error?.issues[0]?.message ?? '', message);
  };
  refused({ smtp: 'smtp://ops:hunter2@mail' }, /holds a password/);
  refused({ smtp: 'http://mail' }, /smtp:\/\/host/);
  refused({ password: 'p' }, /needs a user/);
  refused({ user: 'u', password: 'p', tls: 'off' }, /not sent without TLS/);
  refused({ to: ['ops'] }, /mail address/);
});
