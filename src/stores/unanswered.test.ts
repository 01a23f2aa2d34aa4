import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { type ErrorCode, HoldfastError } from '#lib/errors.ts';
import { makeCertificate } from '../../test/servers/certificate.ts';
import { temporaryFolder } from '../../test/tools/temp.ts';
import { rest } from './rest/rest.ts';
import { openRestStore } from './rest/rest-store.ts';
import { s3 } from './s3/s3.ts';
import { openS3Store } from './s3/s3-store.ts';
import type { Store } from './store.ts';
import { swift } from './swift/swift.ts';
import { openSwiftStore } from './swift/swift-store.ts';
import { unansweredError } from './unanswered.ts';

/** Lets everybody in, and holds no object. */
const answer: RequestListener = ({ url }, response) => {
  if (url === '/auth/v1.0') response.setHeader('x-auth-token', 't').setHeader('x-storage-url', at(secure));
  else response.statusCode = 404;
  response.end();
};
const at = (server: Server): string =>
  `http${server === plain ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`;

const certificate = makeCertificate(temporaryFolder('unanswered'));
const ofAnother = makeCertificate(temporaryFolder('unanswered'), 'DNS:other.example');
const secure: Server = createSecureServer(certificate, answer);
const posing: Server = createSecureServer(ofAnother, answer);
const asking: Server = createSecureServer({ ...certificate, requestCert: true }, answer);
let connectionsMade = 0;
const storing: Server = createSecureServer(certificate, (request, response) => {
  request.resume().on('end', () => response.setHeader('etag', '"0"').end());
}).on('secureConnection', () => {
  connectionsMade += 1;
});
const plain = createServer(answer);
const servers = [secure, posing, asking, storing, plain];
before(async () => {
  for (const server of servers) await once(server.listen(0, '127.0.0.1'), 'listening');
});
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

const openSwift = (login: Server, ca: object): Store => {
  const account = { container: 'c', authUrl: `${at(login)}/auth/v1.0`, user: 'a:b', password: 'k' };
  return openSwiftStore(swift.config.parse({ ...account, ...ca }), { clock: systemClock }, {});
};
const key = { accessKeyId: 'a', secretAccessKey: 'b' };
const stores: Readonly<Record<string, (ca: object) => Store>> = {
  rest: (ca) => openRestStore(rest.config.parse({ url: at(secure), ...ca }), {}),
  s3: (ca) => openS3Store(s3.config.parse({ endpoint: at(secure), bucket: 'bucket', ...key, ...ca })),
  'swift, logging in': (ca) => openSwift(secure, ca),
  'swift, once logged in': (ca) => openSwift(plain, ca),
};

const failure = async (store: Store, code: ErrorCode): Promise<HoldfastError> => {
  await using open = store;
  const error: unknown = await open.get('config').catch((reason: unknown) => reason);
  assert.ok(error instanceof HoldfastError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

for (const [name, open] of Object.entries(stores))
  test(`${name}: a certificate that is not trusted is no line that is down: \`ca\` is asked for, and mends it`, async () => {
    const { message, hint } = await failure(open({}), 'STORE_DENIED');
    assert.match(message, /self-signed certificate/);
    assert.match(hint ?? '', /set `ca`/);
    await failure(open({ ca: certificate.file }), 'OBJECT_MISSING');
  });

test('s3: a certificate is trusted for objects of any size, over the same connections', async () => {
  await using store = openS3Store(
    s3.config.parse({ endpoint: at(storing), bucket: 'bucket', ...key, ca: certificate.file }),
  );
  for (const sizeBytes of [1000, 4_000_000, 4_000_000]) await store.put('pack', Buffer.alloc(sizeBytes));
  assert.equal(connectionsMade, 1);
});

test('what trusting another certificate does not mend has a hint of its own', async () => {
  const at127 = (server: Server, ca: string): Store =>
    openRestStore(rest.config.parse({ url: at(server), ca }), {});
  const named = await failure(at127(posing, ofAnother.file), 'STORE_DENIED');
  assert.match(named.hint ?? '', /name the server as its certificate does/);
  const asked = await failure(at127(asking, certificate.file), 'STORE_DENIED');
  assert.match(asked.hint ?? '', /wants a certificate of ours/);
  for (const [code, hint] of [
    ['CERT_HAS_EXPIRED', /renewed/],
    ['CERT_NOT_YET_VALID', /clock/],
  ] as const)
    assert.match(unansweredError('vault', Object.assign(new Error(), { code })).hint ?? '', hint);
});

test('a file without a certificate is not taken for one that could be trusted', () => {
  const file = join(temporaryFolder('unanswered'), 'ca.pem');
  for (const content of ['', 'no certificate', certificate.key]) {
    writeFileSync(file, content);
    assert.throws(() => openRestStore(rest.config.parse({ url: at(secure), ca: file }), {}), {
      code: 'CONFIG_INVALID',
    });
  }
});
