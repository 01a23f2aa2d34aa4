import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type SwiftServer, skipWithoutSwift, startSwift } from '../../../test/servers/swift.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from '../../../test/tools/restic.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { swift } from './swift.ts';
import { openSwiftStore } from './swift-store.ts';

const skip = skipWithoutSwift() ?? skipWithoutRestic();
const bytes = Buffer.from('content');
let server: SwiftServer;

before(async () => {
  if (skip === undefined) server = await startSwift();
});
after(async () => await server?.[Symbol.asyncDispose]());

const open = (over: Record<string, unknown> = {}): Store => {
  const usual = {
    container: 'backups',
    prefix: 'a/b',
    authUrl: server.authUrl,
    user: server.user,
    password: server.key,
  };
  return openSwiftStore(swift.config.parse({ ...usual, ...over }), { clock: systemClock }, {});
};

/** As other programs that use the service. */
const logIn = async () => {
  const headers = { 'x-auth-user': server.user, 'x-auth-key': server.key };
  const { headers: told } = await fetch(server.authUrl, { headers });
  return {
    token: { 'x-auth-token': told.get('x-auth-token') ?? '' },
    url: told.get('x-storage-url') ?? '',
  };
};

const failure = async (work: Promise<unknown>): Promise<HoldfastError> => {
  const error: unknown = await work.then(
    () => assert.fail('it was let through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  return error;
};

/** A service in this process, for what the real one cannot be brought to do at once. */
const serve = async (
  answer: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
) => {
  const service = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(service.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      service.closeAllConnections();
      service.close();
    },
  };
};

storeContract('swift with TempAuth', { skip, open: async () => open() });

suite('swift', { skip: skip ?? false }, () => {
  test('a wrong key is STORE_DENIED, and is not repeated', async () => {
    const error = await failure(open({ password: 'wr0ng' }).put('a', bytes));
    assert.equal(error.code, 'STORE_DENIED');
    assert.match(error.message, /does not let test:tester in/);
    assert.ok(!`${error.message}${error.hint}`.includes('wr0ng'));
  });

  test('a service that is not there can be tried again', async () => {
    const error = await failure(open({ authUrl: 'http://127.0.0.1:1/auth/v1.0' }).get('a'));
    assert.equal(error.code, 'STORE_UNREACHABLE');
  });

  test('a container that is not there has no objects, and is made for the first one', async () => {
    await using store = open({ container: 'new one é' });
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    assert.equal((await failure(store.get('a'))).code, 'OBJECT_MISSING');
    await store.put('a', bytes);
    assert.deepEqual(Buffer.from(await store.get('a')), bytes);
  });

  test('an object that is made of others is as long as they are, though it is listed as empty', async () => {
    const { token, url } = await logIn();
    const put = (path: string, content: string, headers = {}): Promise<Response> =>
      fetch(`${url}/${path}`, { method: 'PUT', body: content, headers: { ...token, ...headers } });
    await put('made', '');
    for (const part of ['1', '2']) await put(`made/parts/${part}`, part);
    await put('made/whole', '', { 'x-object-manifest': 'made/parts/' });
    await using store = open({ container: 'made', prefix: '' });
    const sizes = (await Array.fromAsync(store.list(''))).map(({ key, size }) => [key, size]);
    assert.deepEqual(sizes, [
      ['parts/1', 1],
      ['parts/2', 1],
      ['whole', 2],
    ]);
    assert.equal(String(Buffer.from(await store.get('whole', { offset: 0, length: 2 }))), '12');
  });

  test('a full quota is STORE_FULL', async () => {
    await using store = open({ container: 'small' });
    await store.put('a', bytes);
    const login = await fetch(server.authUrl, {
      headers: { 'X-Auth-User': server.user, 'X-Auth-Key': server.key },
    });
    const token = { 'X-Auth-Token': login.headers.get('x-auth-token') ?? '' };
    const container = `${login.headers.get('x-storage-url')}/small`;
    await fetch(container, { method: 'POST', headers: { ...token, 'X-Container-Meta-Quota-Bytes': '1000' } });
    assert.equal((await failure(store.put('b', Buffer.alloc(2000)))).code, 'STORE_FULL');
  });

  test('Keystone is asked for a token, for the project and the region, and the objects are found by its catalog', async () => {
    const asked: { url: string | undefined; auth: unknown }[] = [];
    await using keystone = await serve(async (request, response) => {
      asked.push({ url: request.url, auth: (JSON.parse(await text(request)) as { auth: unknown }).auth });
      // It lets everybody in with a token of the real service, which knows no Keystone.
      const login = await fetch(server.authUrl, {
        headers: { 'X-Auth-User': server.user, 'X-Auth-Key': server.key },
      });
      const url = login.headers.get('x-storage-url') ?? '';
      const elsewhere = { interface: 'public', region: 'south', url: 'http://127.0.0.1:1' };
      const endpoints = [elsewhere, { interface: 'public', region: 'north', url }];
      const catalog = [
        { type: 'compute', endpoints: [elsewhere] },
        { type: 'object-store', endpoints },
      ];
      response.setHeader('x-subject-token', login.headers.get('x-auth-token') ?? '');
      response.statusCode = 201;
      // Its clock is far behind ours.
      const times = {
        issued_at: '2001-01-01T00:00:00.000000Z',
        expires_at: '2001-01-01T01:00:00.000000Z',
      };
      response.end(JSON.stringify({ token: { ...times, catalog } }));
    });
    const settings = {
      authUrl: `${keystone.url}/v3`,
      user: 'u',
      password: 'p',
      project: 'shop',
      region: 'north',
    };
    await using store = open(settings);
    await store.put('keystone', bytes);
    assert.deepEqual(Buffer.from(await store.get('keystone')), bytes);
    const domain = { name: 'Default' };
    assert.deepEqual(asked, [
      {
        url: '/v3/auth/tokens',
        auth: {
          identity: { methods: ['password'], password: { user: { name: 'u', domain, password: 'p' } } },
          scope: { project: { name: 'shop', domain } },
        },
      },
    ]);
    const nowhere = await failure(open({ ...settings, region: 'west' }).get('keystone'));
    assert.equal(nowhere.code, 'STORE_DENIED');
    assert.match(nowhere.hint ?? '', /in the region west/);
  });

  for (const version of ['old', 'new'] as const)
    test(`the ${version} restic reads the same container`, async () => {
      const binary = (await resticBinaries())[version];
      const folder = temporaryFolder('swift');
      writeFileSync(join(folder, 'file'), 'kept');
      const env = { ST_AUTH: server.authUrl, ST_USER: server.user, ST_KEY: server.key };
      const options = { repository: `swift:restic-${version}:/`, env };
      await runRestic(binary, ['init'], options);
      await runRestic(binary, ['backup', folder], options);
      await using store = openSwiftStore(
        swift.fromUrl?.(options.repository) ?? assert.fail('no URL'),
        { clock: systemClock },
        env,
      );
      const config = await store.get('config');
      await store.delete('config');
      await store.put('config', config);
      assert.ok((await Array.fromAsync(store.list('data/'))).length >= 2);
      await runRestic(binary, ['check', '--read-data'], options);
    });
});

test('a token that is no longer taken, or soon runs out, is renewed, once for all callers', async () => {
  let logins = 0;
  let good = '';
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0') {
      logins += 1;
      good = `token-${logins}`;
      response.setHeader('x-auth-token', good).setHeader('x-storage-url', service.url);
      response.setHeader('x-auth-token-expires', '3600');
    } else response.statusCode = request.headers['x-auth-token'] === good ? 201 : 401;
    request.resume().on('end', () => response.end());
  });
  let nowMs = Date.now();
  const clock = { ...systemClock, now: () => new Date(nowMs) };
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock }, {});
  const puts = () => Promise.all(['a', 'b', 'c'].map((key) => store.put(key, bytes)));
  await puts();
  assert.equal(logins, 1);
  good = 'revoked';
  await puts();
  assert.equal(logins, 2);
  nowMs += 3_580_000;
  await puts();
  assert.equal(logins, 3);
});

test('what is no answer of Keystone, or no time that a token lasts, is told or not believed', async () => {
  let logins = 0;
  let lasts = '';
  let said = '<html>';
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0') {
      logins += 1;
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url);
      response.setHeader('x-auth-token-expires', lasts);
    } else response.setHeader('x-subject-token', 't').statusCode = 201;
    request.resume().on('end', () => response.end(said));
  });
  const openAt = (path: string): Store => {
    const settings = { container: 'c', authUrl: service.url + path, user: 'a:b', password: 'k' };
    return openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  };
  for (said of ['<html>', '{"token":{"expires_at":"soon"}}']) {
    const error = await failure(openAt('/v3').get('a'));
    assert.equal(error.code, 'STORE_UNREACHABLE');
    assert.match(error.message, /none of Keystone/);
  }
  for (lasts of ['never', '-1', '1e300']) {
    logins = 0;
    await using store = openAt('/auth/v1.0');
    for (let round = 0; round < 3; round += 1) await store.put('a', bytes);
    assert.equal(logins, 1);
  }
});

test('what arrives damaged is sent again, and what is not allowed is not', async () => {
  let status = 422;
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url);
    else response.statusCode = status;
    request.resume().on('end', () => response.end());
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  for (const [code, expected] of [
    [422, 'STORE_UNREACHABLE'],
    [503, 'STORE_UNREACHABLE'],
    [403, 'STORE_DENIED'],
    [401, 'STORE_DENIED'],
    [507, 'STORE_FULL'],
  ] as const) {
    status = code;
    assert.equal((await failure(store.put('a', bytes))).code, expected, String(code));
  }
});

test('a container that is gone in the middle of a listing is no end of it', async () => {
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else if (request.url?.endsWith('marker=')) response.end('[{"name":"a","bytes":1}]');
    else response.writeHead(404).end();
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_UNREACHABLE' });
});

test('times are UTC, whether a service says so, as radosgw does, or not, as Swift does', async () => {
  const page = ['2026-11-21T03:30:00.5', '2026-11-21T03:30:00.500Z', 'yesterday'].map((time, at) => ({
    ...{ name: `${at}`, bytes: 1, last_modified: time },
  }));
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else response.end(JSON.stringify(request.url?.endsWith('marker=') ? page : []));
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  const times = (await Array.fromAsync(store.list(''))).map(({ modified }) => modified?.toISOString());
  assert.deepEqual(times, ['2026-11-21T03:30:00.500Z', '2026-11-21T03:30:00.500Z', undefined]);
});

test('a page of something before the service is no listing', async () => {
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else response.end('<html><body>Back soon</body></html>');
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  const { code, message } = await failure(Array.fromAsync(store.list('')));
  assert.equal(code, 'STORE_UNREACHABLE');
  assert.match(message, /swift:c:/);
});

test('a page of something before the service is no word that an object was stored', async () => {
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url);
    request.resume().on('end', () => response.end('<html><body>Back soon</body></html>'));
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  await assert.rejects(store.put('a', bytes), { code: 'STORE_UNREACHABLE' });
  const large = await store.beginLarge('a');
  const piece = { number: 0, offset: 0 };
  await assert.rejects(large.putPiece(piece, bytes), { code: 'STORE_UNREACHABLE' });
});

test('the segments of an object that is listed and answered 404 stay, and objects that stand for folders are passed over', async () => {
  const deleted: (string | undefined)[] = [];
  await using service = await serve(({ method, url = '' }, response) => {
    if (method === 'DELETE') deleted.push(url);
    if (url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else if (url.startsWith('/c_segments?')) response.end('[{"name":"a/t/0000"}]');
    else if (url.includes('marker=folder')) response.end('[]');
    else if (url.startsWith('/c?')) response.end('[{"name":"a","bytes":1},{"name":"folder/","bytes":0}]');
    else response.writeHead(404).end();
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  await assert.rejects(store.abandonLarge('a', 't'), { code: 'STORE_UNREACHABLE' });
  await assert.rejects(store.wasCommitted('a', 't', 1), { code: 'STORE_UNREACHABLE' });
  assert.deepEqual(deleted, []);
  assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['a']);
  await store.abandonLarge('b', 't');
  assert.equal(deleted.length, 1);
});

test('a listing that does not get on has no end', async () => {
  await using service = await serve(({ url }, response) => {
    if (url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else response.end('[{"name":"a","bytes":1}]');
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_UNREACHABLE' });
});

test('a container that was there and is not found any more has not become empty', async () => {
  let isThere = true;
  await using service = await serve((request, response) => {
    if (request.url === '/auth/v1.0')
      response.setHeader('x-auth-token', 't').setHeader('x-storage-url', service.url).end();
    else response.writeHead(isThere ? 200 : 404).end();
  });
  const settings = { container: 'c', authUrl: `${service.url}/auth/v1.0`, user: 'a:b', password: 'k' };
  await using store = openSwiftStore(swift.config.parse(settings), { clock: systemClock }, {});
  await store.get('config');
  isThere = false;
  await assert.rejects(Array.fromAsync(store.list('snapshots/')), { code: 'STORE_UNREACHABLE' });
});
