import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificate } from '../../../test/servers/certificate.ts';
import { freePort } from '../../../test/servers/process.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { notifierChecks } from '../contract.ts';
import { noSignal, openConfigured, sampleNotice } from '../testing.ts';
import { syslog } from './syslog.ts';

const folder = temporaryFolder('syslog');
const certificate = makeCertificate(folder);
const open = (settings: Record<string, unknown>) => openConfigured(syslog, settings);

/** A server that keeps every byte and closes when the other side does. */
const listen = async (make: (take: (socket: Socket) => void) => Server) => {
  let got = '';
  const server = make((socket) =>
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        got += chunk.toString();
      }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, received: () => got };
};
const overTcp = await listen((take) => createServer(take));
const overTls = await listen((take) => createTlsServer(certificate, take));

for (const [scheme, { port, received }] of [
  ['tcp', overTcp],
  ['tls', overTls],
] as const)
  for (const { name, run } of notifierChecks)
    test(`syslog over ${scheme}: ${name}`, async () => {
      const nobody = await freePort();
      await run({
        open: () => open({ to: `${scheme}://localhost:${port}`, ca: certificate.file }),
        openInVain: () => open({ to: `${scheme}://localhost:${nobody}` }),
        notice: sampleNotice(),
        received,
      });
    });

test('a message is one octet-counted line of RFC 5424', async () => {
  const { port, received } = await listen((take) => createServer(take));
  await using notifier = await open({ to: `tcp://127.0.0.1:${port}`, facility: 'local3', tag: 'backup' });
  await notifier.send(sampleNotice({ title: 'nightly failed:\ntwo lines', job: 'ni"ght]ly' }), noSignal);
  const [, length, message = ''] = /^(\d+) (.*)$/s.exec(received()) ?? [];
  assert.equal(Number(length), Buffer.byteLength(message));
  assert.match(
    message,
    /^<155>1 2026-11-21T03:30:12\.000Z db1\.example\.org backup \d+ failure \[holdfast@32473 severity="error" job="ni\\"ght\\]ly" run="20261121-033000-x7kq" verb="backup" state="failed"\] nightly failed:\\ntwo lines; processed 1,204, succeeded 1,203, failed 1$/,
  );
});

test('a datagram leaves for its server', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  after(() => socket.close());
  const arrived = once(socket, 'message');
  await using notifier = await open({ to: `udp://127.0.0.1:${socket.address().port}` });
  await notifier.send(sampleNotice(), noSignal);
  assert.match(String((await arrived)[0]), /^<27>1 .*Zoë/);
});

test('a server whose certificate nobody vouches for gets nothing', async () => {
  const before = overTls.received();
  await using notifier = await open({ to: `tls://localhost:${overTls.port}` });
  await assert.rejects(notifier.send(sampleNotice(), noSignal), { message: /self-signed/ });
  assert.equal(overTls.received(), before);
});

test('the local log is written by the program of the system, with the line on its standard input', async () => {
  const programs = temporaryFolder('programs');
  for (const name of ['logger', 'systemd-cat']) {
    writeFileSync(join(programs, name), `#!/bin/sh\n(echo "$@"; cat) > ${programs}/${name}.log\n`);
    chmodSync(join(programs, name), 0o755);
  }
  const path = process.env.PATH;
  process.env.PATH = `${programs}${delimiter}${path}`;
  try {
    for (const to of ['local', 'journald']) {
      await using notifier = await open({ to });
      await notifier.send(sampleNotice(), noSignal);
    }
  } finally {
    process.env.PATH = path;
  }
  const told = (name: string) => readFileSync(join(programs, `${name}.log`), 'utf8');
  assert.match(told('logger'), /^-t holdfast -p daemon\.err\nnightly failed: .*Zoë/);
  assert.match(told('systemd-cat'), /^-t holdfast -p err\nnightly failed: .*Zoë/);
});
