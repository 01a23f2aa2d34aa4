import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type ErrorCode, HoldfastError } from '#lib/errors.ts';
import {
  type RestServer,
  type RestServerOptions,
  skipWithoutRestServer,
  startRestServer,
} from '../../../test/servers/rest-server.ts';
import { sampleBytes } from '../contract.ts';
import type { Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { rest } from './rest.ts';
import { openRestStore } from './rest-store.ts';

const skip = skipWithoutRestServer();
const bytes = Buffer.from('content');
const keyFor = (folder: string, content: Uint8Array): string => {
  const id = createHash('sha256').update(content).digest('hex');
  return folder === 'data' ? `data/${id.slice(0, 2)}/${id}` : `${folder}/${id}`;
};

const openAt = (server: RestServer, over: Record<string, unknown> = {}): Store => {
  const { url, user, password, ca } = server;
  const usual = { url: `${url}${randomUUID()}/`, user, password, ...(ca && { ca }) };
  return openRestStore(rest.config.parse({ ...usual, ...over }), {});
};

const failure = async (work: Promise<unknown>, code: ErrorCode): Promise<HoldfastError> => {
  const error: unknown = await work.then(
    () => assert.fail('it was let through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

/** A server in this process, for what the real one cannot be brought to do at once. */
const serve = async (answer: RequestListener) => {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
};

let server: RestServer;
before(async () => {
  if (skip === undefined) server = await startRestServer();
});
after(async () => await server?.[Symbol.asyncDispose]());

storeContract('rest on rest-server', {
  skip,
  repositoriesOnly: true,
  open: async () => openAt(server, { url: `${server.url}contract` }),
});

suite('rest', { skip: skip ?? false }, () => {
  const withServer = async (options: RestServerOptions, work: (server: RestServer) => Promise<void>) => {
    await using special = await startRestServer(options);
    await work(special);
  };

  test('whatever is deleted meanwhile, what stays is in every listing', async () => {
    await using store = openAt(server);
    const named = (name: string) => keyFor('locks', Buffer.from(name));
    const put = (name: string) => store.put(named(name), Buffer.from(name));
    await store.put(keyFor('keys', bytes), bytes);
    for (let number = 0; number < 100; number += 1) await put(`stays ${number}`);
    for (let round = 0; round < 10; round += 1) {
      const going = Array.from({ length: 20 }, (_, number) => `goes ${round} ${number}`);
      for (const name of going) await put(name);
      const lists = Promise.all([1, 2, 3, 4].map(() => Array.fromAsync(store.list('locks/'))));
      for (const name of going) await store.delete(named(name));
      for (const listed of await lists) assert.ok(listed.length >= 100, `${listed.length} in round ${round}`);
    }
  });

  test('each folder of a repository is listed under its own keys, packs in folders as elsewhere', async () => {
    await using store = openAt(server);
    const keys = ['data', 'index', 'keys', 'locks', 'snapshots'].map((folder) => keyFor(folder, bytes));
    for (const key of [...keys, 'config']) await store.put(key, bytes);
    const listed = async (prefix: string) =>
      (await Array.fromAsync(store.list(prefix), ({ key }) => key)).toSorted();
    assert.deepEqual(await listed(''), ['config', ...keys].toSorted());
    assert.deepEqual(await listed('config'), ['config']);
    assert.deepEqual(await listed('data/0'), []);
    assert.deepEqual(await listed(keys[0]?.slice(0, 7) ?? ''), [keys[0]]);
    assert.deepEqual(await listed('locks/'), [keys[3]]);
  });

  test('putting the first key makes the folders of the repository', async () => {
    const url = `${server.url}made`;
    await using store = openAt(server, { url });
    await store.put(keyFor('keys', bytes), bytes);
    assert.equal(readdirSync(join(server.folder, 'made', 'data')).length, 256);
  });

  test('a repository that is not there has no objects', async () => {
    await using store = openAt(server);
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    await failure(store.get('config'), 'OBJECT_MISSING');
    await store.delete(keyFor('locks', bytes));
  });

  test('a repository whose disk is gone from the server has not become empty, and one without a folder is whole', async () => {
    const url = `${server.url}unmounted`;
    const folder = join(server.folder, 'unmounted');
    await using store = openAt(server, { url });
    await store.put(keyFor('keys', bytes), bytes);
    await store.put('config', bytes);
    await using other = openAt(server, { url });
    await other.get('config');
    renameSync(folder, `${folder}-away`);
    for (const one of [store, other]) await failure(Array.fromAsync(one.list('locks/')), 'STORE_UNREACHABLE');
    renameSync(`${folder}-away`, folder);
    rmdirSync(join(folder, 'locks'));
    assert.deepEqual(await Array.fromAsync(other.list('locks/')), []);
  });

  test('another config does not take the place of the one that is there', async () => {
    await using store = openAt(server);
    await store.put(keyFor('keys', bytes), bytes);
    await store.put('config', bytes);
    await store.put('config', bytes);
    await failure(store.put('config', Buffer.from('another')), 'STORE_DENIED');
    assert.deepEqual(Buffer.from(await store.get('config')), bytes);
  });

  test('what is not of a repository is refused as a mistake of the configuration', async () => {
    await using store = openAt(server);
    for (const key of ['shop_20260101.tar.gz', 'data/00/plain', `locks/${'0'.repeat(63)}`]) {
      const { message, hint, kind } = await failure(store.put(key, bytes), 'CONFIG_INVALID');
      assert.match(message, /keeps a repository and nothing else/);
      assert.match(hint ?? '', /in a folder/);
      assert.equal(kind.status, 2);
      await failure(store.get(key), 'OBJECT_MISSING');
      assert.deepEqual(await Array.fromAsync(store.list(key)), []);
    }
  });

  test('bytes that do not fit their name are refused by the server, and are worth another try', async () => {
    await using store = openAt(server);
    await failure(store.put(keyFor('data', Buffer.from('others')), bytes), 'STORE_UNREACHABLE');
  });

  test('a wrong password is STORE_DENIED, and is not shown', async () => {
    const { message, hint } = await failure(
      openAt(server, { password: 'wr0ng-one' }).get('config'),
      'STORE_DENIED',
    );
    assert.match(hint ?? '', /check the user and the password/);
    assert.ok(!`${message}${hint}`.includes('wr0ng-one'));
  });

  test('the environment says who logs in when nothing else does', async () => {
    const { url, user, password } = server;
    const env = { RESTIC_REST_USERNAME: user, RESTIC_REST_PASSWORD: password };
    await using store = openRestStore(rest.config.parse({ url: `${url}env` }), env);
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    await using other = openRestStore(rest.config.parse({ url: `${url}env`, user: 'other' }), env);
    await failure(Array.fromAsync(other.list('')), 'STORE_DENIED');
  });

  test('an append-only server lets locks go and nothing else', () =>
    withServer({ appendOnly: true }, async (careful) => {
      await using store = openAt(careful);
      for (const folder of ['data', 'locks']) await store.put(keyFor(folder, bytes), bytes);
      await store.put(keyFor('data', bytes), bytes);
      const { hint } = await failure(store.delete(keyFor('data', bytes)), 'STORE_DENIED');
      assert.match(hint ?? '', /append-only: backups go on and locks can be removed/);
      await store.delete(keyFor('locks', bytes));
      assert.deepEqual(await Array.fromAsync(store.list('locks/')), []);
    }));

  test('a full quota is STORE_FULL', () =>
    withServer({ maxBytes: 1000 }, async (small) => {
      await using store = openAt(small);
      const large = sampleBytes(3_000_000, 'large');
      const { hint } = await failure(store.put(keyFor('data', large), large), 'STORE_FULL');
      assert.match(hint ?? '', /quota/);
    }));

  test('a certificate is trusted when it is named, and only then', () =>
    withServer({ tls: true }, async (secure) => {
      await using store = openAt(secure);
      await store.put(keyFor('keys', bytes), bytes);
      const { hint } = await failure(openAt(secure, { ca: undefined }).get('config'), 'STORE_DENIED');
      assert.match(hint ?? '', /set `ca`/);
    }));

  test('a secret may lie in a file, and an address must hold none', () => {
    const file = join(server.folder, 'password');
    writeFileSync(file, `${server.password}\n`, { mode: 0o600 });
    openAt(server, { password: { file } });
    for (const url of ['https://a:b@host/', 'https://a@host/', 'https://host/?a', 'ftp://host/'])
      assert.throws(() => rest.config.parse({ url }), url);
  });
});

test('a folder that others delete from is not taken for an empty one', async () => {
  const version2 = 'application/vnd.x.restic.rest.v2';
  const object = { name: 'ab'.repeat(32), size: 1 };
  let refusals = 0;
  let isThere = true;
  await using busy = await serve(({ headers }, response) => {
    const isRefused = headers.accept === version2 && refusals-- > 0;
    response.writeHead(isThere && !isRefused ? 200 : 404, { 'content-type': headers.accept });
    response.end(JSON.stringify([object]));
  });
  await using store = openRestStore(rest.config.parse({ url: busy.url }), {});
  const list = () => Array.fromAsync(store.list('locks/'), ({ key }) => key);
  refusals = 3;
  assert.deepEqual(await list(), [`locks/${object.name}`]);
  refusals = 1000;
  assert.match((await failure(list(), 'STORE_UNREACHABLE')).message, /changes all the time/);
  isThere = false;
  assert.match((await failure(list(), 'STORE_UNREACHABLE')).message, /not found any more/);
});

test('a server that answers strangely is told from one that is busy, and from one that is not there', async () => {
  let status = 500;
  await using strange = await serve((request, response) => {
    response.statusCode = status;
    request.resume().on('end', () => response.end('[]'));
  });
  await using store = openRestStore(rest.config.parse({ url: strange.url }), {});
  for (const [code, expected] of [
    [503, 'STORE_UNREACHABLE'],
    [429, 'STORE_UNREACHABLE'],
    [401, 'STORE_DENIED'],
    [403, 'STORE_DENIED'],
    [405, 'STORE_DENIED'],
    [404, 'STORE_DENIED'],
    [413, 'STORE_FULL'],
  ] as const) {
    status = code;
    assert.ok((await failure(store.put('config', bytes), expected)).hint);
  }
  status = 200;
  assert.match((await failure(Array.fromAsync(store.list('index/')), 'UNSUPPORTED')).message, /version 2/);
  await using nobody = openRestStore(rest.config.parse({ url: 'http://127.0.0.1:1/' }), {});
  assert.match((await failure(nobody.get('config'), 'STORE_UNREACHABLE')).message, /ECONNREFUSED/);
});

test('a server that answers without end takes no memory, and what is no listing is called that', async () => {
  let body: string | undefined;
  await using hostile = await serve((_request, response) => {
    response.setHeader('content-type', 'application/vnd.x.restic.rest.v2');
    if (body !== undefined) return void response.end(body);
    const piece = Buffer.alloc(1024 * 1024);
    const pour = (): void => {
      while (!response.destroyed && response.write(piece));
      response.once('drain', pour);
    };
    pour();
  });
  await using store = openRestStore(rest.config.parse({ url: hostile.url }), {});
  for (const key of ['config', keyFor('keys', bytes)])
    assert.match((await failure(store.get(key), 'STORE_UNREACHABLE')).message, /has more than/);
  for (body of ['<html>', 'null', '[{"name":"a","size":"5"}]', '[{"name":'])
    assert.match(
      (await failure(Array.fromAsync(store.list('index/')), 'STORE_UNREACHABLE')).message,
      /no list/,
    );
});
