// Servers that answer without end, or what was not asked for: no memory may be filled, and nobody wait for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '#lib/clock.ts';
import { hasCode } from '#lib/errors.ts';
import { Secret } from '#lib/secret.ts';
import { rest } from './rest/rest.ts';
import { openRestStore } from './rest/rest-store.ts';
import { s3 } from './s3/s3.ts';
import { openS3Store } from './s3/s3-store.ts';
import { largeObjectsOf, type Store } from './store.ts';
import { swift } from './swift/swift.ts';
import { openSwiftStore } from './swift/swift-store.ts';

/** What it answers to whatever is asked, but for who logs in. */
let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => {
  response.on('error', () => {});
  request.resume().on('end', () => {
    if (request.url !== '/auth/v1.0') return answer(response);
    response.writeHead(200, { 'x-auth-token': 'token', 'x-storage-url': `${address()}/v1` }).end();
  });
});
const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
after(() => {
  server.close();
  server.closeAllConnections();
});

/** Each waits for the server as long as told; a machine that does much else may need a second for anything. */
const stores: Readonly<Record<string, (timeoutSeconds?: number) => Store>> = {
  s3: (timeoutSeconds = 30) => {
    const credentials = { accessKeyId: 'id', secretAccessKey: new Secret('word') };
    const config = s3.config.parse({ endpoint: address(), bucket: 'b', prefix: 'p', timeoutSeconds });
    return openS3Store({ ...config, ...credentials });
  },
  swift: (timeoutSeconds = 30) => {
    const usual = { authUrl: `${address()}/auth/v1.0`, user: 'u:u', container: 'c', prefix: 'p' };
    const config = swift.config.parse({ ...usual, timeoutSeconds });
    return openSwiftStore({ ...config, password: new Secret('word') }, { clock: systemClock }, {});
  },
  rest: (timeoutSeconds = 30) =>
    openRestStore(rest.config.parse({ url: `${address()}/`, timeoutSeconds }), {}),
};

const unreachable = async (work: Promise<unknown>, message: RegExp): Promise<void> => {
  const error: unknown = await work.then(
    () => assert.fail('it was let through'),
    (reason: unknown) => reason,
  );
  assert.ok(hasCode(error, 'STORE_UNREACHABLE'), String(error));
  assert.match(error.message, message);
};

const pour =
  (status: number) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { etag: '"0"', 'content-type': 'application/vnd.x.restic.rest.v2' });
    const piece = Buffer.alloc(1024 * 1024, ' ');
    const more = (): void => {
      if (response.destroyed) return;
      if (response.write(piece)) setImmediate(more);
      else response.once('drain', more);
    };
    if (response.req.method === 'HEAD') response.end();
    else more();
  };

const pack = `data/ab/${'ab'.repeat(32)}`;
const page = (response: ServerResponse, headers: OutgoingHttpHeaders = {}): void =>
  void response.writeHead(200, { 'content-type': 'text/html', ...headers }).end('<html>Back soon</html>');

for (const [kind, open] of Object.entries(stores))
  suite(`${kind}: a server`, () => {
    test('before which something puts a page of its own has neither stored an object nor lost part of one', async () => {
      await using store = open();
      answer = page;
      await unreachable(store.put(pack, Buffer.from('x')), /answer/);
      await unreachable(store.get(pack, { offset: 7, length: 900 }), /answer/);
      await unreachable(Array.fromAsync(store.list('data/')), /answer/);
      for (const key of ['config', `index/${'ab'.repeat(32)}`]) await unreachable(store.get(key), /answer/);
    });

    test('that gives other bytes than were asked for, or the object from its beginning, is not believed', async () => {
      await using store = open();
      for (const [status, told] of [
        [200, {}],
        [206, { 'content-range': 'bytes 0-8/900' }],
      ] as const) {
        answer = (response) => response.writeHead(status, told).end('123456789');
        await unreachable(store.get(pack, { offset: 7, length: 9 }), /answer/);
        assert.equal((await store.get(pack, { offset: 0, length: 9 })).length, 9);
      }
      answer = (response) => response.writeHead(206, { 'content-range': 'bytes 7-8/9' }).end('12');
      await assert.rejects(store.get(pack, { offset: 7, length: 9 }), { code: 'OBJECT_MISSING' });
    });

    test('that speaks another protocol, or has ever more to say before it answers, is left', async () => {
      await using store = open(1);
      const ways: readonly (readonly [first: string, ever: string])[] = [
        ['HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n', ''],
        ['', 'HTTP/1.1 100 Continue\r\n\r\n'],
        ['HTTP/1.1 200 OK\r\nname: ', 'a'],
      ];
      answer = ({ req: { socket, url = '' } }) => {
        const [first, ever] = ways[Number(/keys.(\d)/.exec(url)?.[1])] ?? ['', ''];
        socket.write(first);
        const timer = setInterval(() => socket.write(ever), 100);
        socket.on('close', () => clearInterval(timer));
      };
      const key = (number: number): string => `keys/${String(number).repeat(64)}`;
      await Promise.all(ways.map((_way, number) => unreachable(store.get(key(number)), /answer|fewer than/)));
    });

    test('that answers without end is left', async () => {
      await using store = open();
      for (const status of [200, 206, 500]) {
        answer = pour(status);
        for (const key of ['config', `keys/${'ab'.repeat(32)}`])
          await unreachable(store.get(key), /has more than/);
        await unreachable(store.get(`data/ab/${'ab'.repeat(32)}`, { offset: 7, length: 9 }), /has more than/);
        if (kind !== 'rest') await unreachable(Array.fromAsync(store.list('')), /has more than/);
        await unreachable(store.put(`locks/${'ab'.repeat(32)}`, Buffer.from('x')), /has more than|no answer/);
      }
    });

    test('that gives byte by byte is left', async () => {
      await using store = open(1);
      answer = (response) => {
        const timer = setInterval(() => response.write(' '), 100);
        response.on('close', () => clearInterval(timer));
      };
      await unreachable(store.get('config'), /fewer than 1024 bytes came within 2 s/);
    });
  });

test('rest: a server that keeps idle connections for a moment may take its time to answer all the same', async () => {
  await using store = openRestStore(rest.config.parse({ url: `${address()}/`, timeoutSeconds: 5 }), {});
  answer = (response) => void response.writeHead(200, { 'keep-alive': 'timeout=2' }).end('x');
  await store.get('config');
  await nextTurn(); // the connection is idle then
  answer = (response) => void setTimeout(() => response.end('y'), 1500);
  assert.equal(String(Buffer.from(await store.get('config'))), 'y');
});

test('rest: sizes that cannot be are no list of objects', async () => {
  await using store = (stores.rest as () => Store)();
  for (const size of [-1, 1.5, 1e300]) {
    answer = (response) => {
      response.setHeader('content-type', 'application/vnd.x.restic.rest.v2');
      response.end(JSON.stringify([{ name: 'ab'.repeat(32), size }]));
    };
    await unreachable(Array.fromAsync(store.list('data/')), /no list/);
  }
});

test('rest: what a server says besides may be of an object that it has stored', async () => {
  await using store = (stores.rest as () => Store)();
  answer = (response) =>
    void (response.req.method === 'HEAD'
      ? response.setHeader('content-length', 1).end()
      : response.end('thank you'));
  await store.put(pack, Buffer.from('x'));
});

test('s3: an object without a name or a size is no part of a listing', async () => {
  await using store = (stores.s3 as () => Store)();
  for (const object of ['<Key>p/a</Key>', '<Size>1</Size>']) {
    answer = (response) => void response.end(listed(['p/b'], 'next').replace(/<Key>.*<.Size>/, object));
    await unreachable(Array.fromAsync(store.list('')), /no listing/);
  }
});

test('s3: a service that sends elsewhere is not followed, and what it says is told', async () => {
  await using store = (stores.s3 as () => Store)();
  answer = (response) => response.writeHead(307, { location: `${address()}/elsewhere` }).end();
  await assert.rejects(store.get('config'), {
    code: 'STORE_DENIED',
    message: /it answered 307/,
    hint: /endpoint/,
  });
});

test('s3: a service that takes its time to put the parts of an object together is waited for', async () => {
  await using store = (stores.s3 as (timeoutSeconds: number) => Store)(1);
  answer = (response) => {
    const { method, url = '' } = response.req;
    if (url.includes('uploads'))
      return void response.end(
        '<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>',
      );
    response.setHeader('etag', '"0"');
    if (method !== 'POST') return void response.end();
    const timer = setInterval(() => response.write(' '), 100);
    setTimeout(() => {
      clearInterval(timer);
      response.end('<CompleteMultipartUploadResult><ETag>"0"</ETag></CompleteMultipartUploadResult>');
    }, 3500);
  };
  const large = await largeObjectsOf(store)?.beginLarge('film');
  await large?.putPiece({ number: 0, offset: 0 }, Buffer.from('x'));
  await large?.commit();
});

const listed = (names: readonly string[], next: string): string =>
  `<ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>${next}</NextContinuationToken>${names
    .map((name) => `<Contents><Key>${name}</Key><Size>1</Size></Contents>`)
    .join('')}</ListBucketResult>`;
const pages: Readonly<Record<string, (names: readonly string[], page: number) => string>> = {
  s3: (names, page) => listed(names, String(page)),
  swift: (names) => JSON.stringify(names.map((name) => ({ name, bytes: 1 }))),
};

for (const [kind, page] of Object.entries(pages))
  suite(`${kind}: a listing`, () => {
    test('that goes round in circles, or does not get on, ends', async () => {
      await using store = (stores[kind] as () => Store)();
      for (const ways of [[['p/a']], [['p/a'], ['p/b']], [[]]]) {
        if (kind === 'swift' && ways[0]?.length === 0) continue; // that is the end of it
        let asked = 0;
        answer = (response) => void response.end(page(ways[asked++ % ways.length] ?? [], asked));
        await unreachable(Array.fromAsync(store.list('')), /does not get on|none of Swift's/);
      }
    });

    test('of what was not asked for is not believed', async () => {
      await using store = (stores[kind] as () => Store)();
      answer = (response) => void response.end(page(['elsewhere/keys/a'], 1));
      await unreachable(Array.fromAsync(store.list('keys/')), /was not asked for|none of Swift's/);
      answer = (response) => void response.end(page(['p/keys/a'], 1).replaceAll(/1(?=<.Size|\})/g, '-1'));
      await unreachable(Array.fromAsync(store.list('keys/')), /cannot be|none of Swift's/);
    });
  });
