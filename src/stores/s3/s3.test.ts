import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { HoldfastError } from '#lib/errors.ts';
import { type CephServer, startCeph } from '../../../test/servers/ceph.ts';
import { freePort } from '../../../test/servers/process.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from '../../../test/tools/restic.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { largeObjectsOf, retentionOf, type Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { s3 } from './s3.ts';
import { openBucket } from './s3-client.ts';
import { s3Answer } from './s3-error.ts';
import { openS3Store } from './s3-store.ts';
import { parseS3Url } from './s3-url.ts';

const skip = skipWithout('ceph') ?? skipWithoutRestic();
const bytes = Buffer.from('content');
let server: CephServer;
let client: S3;

before(async () => {
  if (skip !== undefined) return;
  server = await startCeph();
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.createBucket({ Bucket: 'backups' });
});
after(async () => {
  client?.destroy();
  await server?.[Symbol.asyncDispose]();
});

const open = (over: Record<string, unknown> = {}, now?: () => Date): Store => {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const usual = { endpoint, accessKeyId, secretAccessKey, bucket: 'backups', prefix: 'a/b' };
  return openS3Store(s3.config.parse({ ...usual, ...over }), now);
};

const failure = async (work: Promise<unknown>): Promise<HoldfastError> => {
  const error: unknown = await work.then(
    () => assert.fail('it was let through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HoldfastError, String(error));
  return error;
};

/** Another user of the service, whom the policy of the bucket allows these actions. */
const makeUser = async (name: string, actions: readonly string[]) => {
  const keys = { accessKeyId: `AKID${name.toUpperCase()}`, secretAccessKey: `secret-of-${name}` };
  const args = [`--uid=${name}`, `--display-name=${name}`, `--access-key=${keys.accessKeyId}`];
  await server.admin('user', 'create', ...args, `--secret-key=${keys.secretAccessKey}`);
  const principal = { AWS: [`arn:aws:iam:::user/${name}`] };
  const resources = ['arn:aws:s3:::backups', 'arn:aws:s3:::backups/*'];
  const allowed = { Effect: 'Allow', Principal: principal, Action: actions, Resource: resources };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [allowed] });
  await client.putBucketPolicy({ Bucket: 'backups', Policy });
  return keys;
};

storeContract('s3 on Ceph', { skip, open: async () => open() });

suite('s3', { skip: skip ?? false }, () => {
  test('a wrong secret, a wrong key and a missing bucket are STORE_DENIED, each with what to do', async () => {
    const secret = await failure(open({ secretAccessKey: 'wr0ng' }).put('a', bytes));
    assert.equal(secret.code, 'STORE_DENIED');
    assert.match(secret.hint ?? '', /secretAccessKey/);
    assert.ok(!`${secret.message}${secret.hint}`.includes('wr0ng'));
    assert.equal((await failure(open({ accessKeyId: 'NOBODY' }).get('a'))).code, 'STORE_DENIED');
    const bucket = await failure(open({ bucket: 'no-such-bucket' }).get('a'));
    assert.equal(bucket.code, 'STORE_DENIED');
    assert.match(bucket.hint ?? '', /make the bucket/);
    assert.equal(
      (await failure(Array.fromAsync(open({ bucket: 'no-such-bucket' }).list('')))).code,
      'STORE_DENIED',
    );
  });

  test('a service that is not there can be tried again', async () => {
    const error = await failure(open({ endpoint: `http://127.0.0.1:${await freePort()}` }).get('a'));
    assert.equal(error.code, 'STORE_UNREACHABLE');
  });

  test('a key that may not delete can store and read, and is told why it cannot delete', async () => {
    const keys = await makeUser('appender', ['s3:GetObject', 's3:PutObject', 's3:ListBucket']);
    await using store = open({ ...keys, prefix: 'append' });
    await store.put('data/a', bytes);
    assert.deepEqual(await Array.fromAsync(store.list('data/'), ({ key, size }) => ({ key, size })), [
      { key: 'data/a', size: bytes.length },
    ]);
    assert.deepEqual(Buffer.from(await store.get('data/a')), bytes);
    const error = await failure(store.delete('data/a'));
    assert.equal(error.code, 'STORE_DENIED');
    assert.match(error.hint ?? '', /rights/);
  });

  test('a full quota is STORE_FULL', async () => {
    const keys = { accessKeyId: 'AKIDSMALL', secretAccessKey: 'small-secret' };
    const args = ['--uid=small', '--display-name=small', `--access-key=${keys.accessKeyId}`];
    await server.admin('user', 'create', ...args, `--secret-key=${keys.secretAccessKey}`);
    await server.admin('quota', 'set', '--uid=small', '--quota-scope=bucket', '--max-size=100000');
    await server.admin('quota', 'enable', '--uid=small', '--quota-scope=bucket');
    const settings = {
      endpoint: server.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { ...keys },
    };
    const owner = new S3(settings);
    await owner.createBucket({ Bucket: 'small' });
    owner.destroy();
    const error = await failure(open({ ...keys, bucket: 'small' }).put('data/large', Buffer.alloc(200_000)));
    assert.equal(error.code, 'STORE_FULL');
  });

  test('with a key of the customer nobody reads without it', async () => {
    const encryption = { customerKey: Buffer.alloc(32, 7).toString('base64') };
    await using store = open({ prefix: 'sse-c', encryption });
    await store.put('a', bytes);
    await store.put('a', bytes);
    assert.equal(String(Buffer.from(await store.get('a', { offset: 1, length: 3 }))), 'ont');
    assert.deepEqual(await Array.fromAsync(store.list(''), ({ key, size }) => ({ key, size })), [
      { key: 'a', size: bytes.length },
    ]);
    assert.equal((await failure(open({ prefix: 'sse-c' }).get('a'))).code, 'STORE_DENIED');
    assert.throws(() => open({ encryption: { customerKey: 'dG9vIHNob3J0' } }), { code: 'CONFIG_INVALID' });
  });

  test('an object that is there already is not sent again, another content under its name is', async () => {
    const etag = createHash('md5').update(bytes).digest('hex');
    const seen: string[] = [];
    await using stub = await answering(({ method, headers }, response) => {
      seen.push(`${method} ${headers['if-none-match'] ?? ''}`);
      response.setHeader('etag', `"${etag}"`);
      if (method === 'HEAD') response.setHeader('content-length', bytes.length);
      return headers['if-none-match'] === undefined ? 200 : 412;
    });
    await using store = open({ endpoint: stub.endpoint });
    await store.put('a', bytes);
    assert.deepEqual(seen.splice(0), ['PUT *', 'HEAD ']);
    await store.put('a', Buffer.from('CONTENT'));
    assert.deepEqual(seen, ['PUT *', 'HEAD ', 'PUT ']);
  });

  test('an object that is called by its SHA-256 is held against it, and one that only looks so is stored, too', async () => {
    const store = open();
    const name = createHash('sha256').update(bytes).digest('hex');
    await store.put(`data/${name}`, bytes);
    await store.put(`other/${name}`, Buffer.from('something before'));
    await store.put(`other/${name}`, Buffer.from('something else'));
    await store.put(`other/${name}`, Buffer.from('something else'));
    assert.deepEqual(Buffer.from(await store.get(`data/${name}`)), bytes);
    assert.deepEqual(Buffer.from(await store.get(`other/${name}`)), Buffer.from('something else'));
    const { endpoint, accessKeyId, secretAccessKey } = server;
    const bucket = openBucket(s3.config.parse({ endpoint, accessKeyId, secretAccessKey, bucket: 'backups' }));
    const claimed = { onlyNew: false, heldUntil: undefined, sha256: name };
    const refused = await bucket
      .put('claimed', Buffer.from('something else'), claimed)
      .then(() => assert.fail('it was let through'), s3Answer);
    bucket.close();
    assert.equal(refused.status, 400);
  });

  test('objects are held for as long as was asked, locks are not, and holding can begin anew', async () => {
    await client.createBucket({ Bucket: 'held', ObjectLockEnabledForBucket: true });
    const start = Date.now();
    let now = start;
    await using store = open(
      { bucket: 'held', prefix: undefined, objectLock: { mode: 'compliance', days: 2 } },
      () => new Date(now),
    );
    await store.put('data/a', bytes);
    await store.put('locks/a', bytes);
    const held = async (Key: string) =>
      (await client.headObject({ Bucket: 'held', Key })).ObjectLockRetainUntilDate?.getTime();
    const near = (actual: number | undefined, days: number) =>
      assert.ok(Math.abs((actual ?? 0) - start - days * 86_400_000) < 10_000, `${actual}`);
    near(await held('data/a'), 2);
    assert.equal(await held('locks/a'), undefined);
    now += 86_400_000;
    await retentionOf(store)?.retain('data/a');
    near(await held('data/a'), 3);
    now += 86_400_000;
    await store.put('data/a', bytes); // it is there already: what is asked for is that it stays
    near(await held('data/a'), 4);
    const version = (await client.headObject({ Bucket: 'held', Key: 'data/a' })).VersionId;
    await assert.rejects(client.deleteObject({ Bucket: 'held', Key: 'data/a', VersionId: version! }));
  });

  test('what is held longer already, by other settings or a clock that is ahead, is held', async () => {
    await client.createBucket({ Bucket: 'longer', ObjectLockEnabledForBucket: true });
    const hold = (mode: 'governance' | 'compliance', days: number): Store =>
      open({ bucket: 'longer', prefix: undefined, objectLock: { mode, days } });
    for (const mode of ['governance', 'compliance'] as const) {
      await hold(mode, 9).put(mode, bytes);
      await retentionOf(hold(mode, 3))?.retain(mode);
    }
    await retentionOf(hold('governance', 3))?.retain('compliance');
    for (const [mode, other] of [
      ['governance', 'compliance'],
      ['compliance', 'governance'],
    ] as const) {
      const { code, hint } = await failure(retentionOf(hold(mode, 20))?.retain(other) ?? assert.fail());
      assert.equal(code, 'STORE_DENIED');
      assert.match(hint ?? '', new RegExp(`held in ${other} mode until \\d{4}-`));
    }
    const plain = open({ objectLock: { mode: 'governance', days: 1 } });
    assert.match((await failure(plain.put('held', bytes))).hint ?? '', /made with object lock/);
  });

  test('a store without object lock has no such ability', () => {
    assert.equal(retentionOf(open()), undefined);
  });

  test('keys come from a profile of the AWS files when none are given', async () => {
    const file = join(temporaryFolder('s3'), 'credentials');
    writeFileSync(
      file,
      `[vault]\naws_access_key_id = ${server.accessKeyId}\naws_secret_access_key = ${server.secretAccessKey}\n`,
    );
    process.env.AWS_SHARED_CREDENTIALS_FILE = file;
    try {
      await using store = open({ accessKeyId: undefined, secretAccessKey: undefined, profile: 'vault' });
      await store.put('profile', bytes);
    } finally {
      delete process.env.AWS_SHARED_CREDENTIALS_FILE;
    }
  });

  test('a service that has no conditional requests is asked without', async () => {
    const seen: (string | undefined)[] = [];
    await using stub = await answering(({ headers }, response) => {
      seen.push(headers['if-none-match'] as string | undefined);
      response.setHeader('etag', '"0"');
      return headers['if-none-match'] === undefined ? 200 : 501;
    });
    await using store = open({ endpoint: stub.endpoint });
    await store.put('a', bytes);
    await store.put('b', bytes);
    assert.deepEqual(seen, ['*', undefined, undefined]);
  });

  for (const [how, token] of [
    ['without a token', ''],
    ['with an empty token', '<NextContinuationToken></NextContinuationToken>'],
    ['with the same token again', '<NextContinuationToken>a</NextContinuationToken>'],
  ] as const)
    test(`a listing that goes on ${how} is no whole one, and no endless one`, async () => {
      const page = `<ListBucketResult><IsTruncated>true</IsTruncated>${token}<Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>`;
      await using stub = await answering((_request, response) => {
        response.write(page);
        return 200;
      });
      await using store = open({ endpoint: stub.endpoint, prefix: undefined });
      await assert.rejects(Array.fromAsync(store.list('')), { code: 'UNSUPPORTED' });
    });

  test('objects that consoles put where they show folders are none of ours', async () => {
    await using store = open({ prefix: 'marked' });
    for (const Key of ['marked/', 'marked/data/'])
      await client.putObject({ Bucket: 'backups', Key, Body: '' });
    await store.put('data/a', bytes);
    assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['data/a']);
  });

  test('a page of something before the service is no word that an object was stored', async () => {
    await using stub = await answering(({ url }, response) => {
      if (url?.includes('uploads')) response.setHeader('content-type', 'application/xml');
      response.write(
        url?.includes('uploads')
          ? '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
          : '<html><body>Back soon</body></html>',
      );
      return 200;
    });
    await using store = open({ endpoint: stub.endpoint });
    await assert.rejects(store.put('a', bytes), { code: 'STORE_UNREACHABLE' });
    const large = await largeObjectsOf(store)?.beginLarge('a');
    const piece = { number: 0, offset: 0 };
    await assert.rejects(large?.putPiece(piece, bytes) ?? assert.fail(), { code: 'STORE_UNREACHABLE' });
    await assert.rejects(large?.commit() ?? assert.fail(), { code: 'STORE_UNREACHABLE' });
  });

  test('an upload that the service itself removed was not committed', async () => {
    let now = Date.now();
    const store = open({ prefix: 'removed' }, () => new Date(now));
    const large = largeObjectsOf(store) ?? assert.fail();
    const begun = await large.beginLarge('a');
    await begun.putPiece({ number: 0, offset: 0 }, bytes);
    const [UploadId] = (
      (await client.listMultipartUploads({ Bucket: 'backups', Prefix: 'removed/' })).Uploads ?? []
    ).map((one) => one.UploadId);
    await client.abortMultipartUpload({ Bucket: 'backups', Key: 'removed/a', UploadId });
    now += 86_400_000;
    assert.equal(await large.wasCommitted('a', begun.token, bytes.length), false);
    await large.abandonLarge('a', begun.token);
    const other = await large.beginLarge('b');
    await other.putPiece({ number: 0, offset: 0 }, bytes);
    await other.commit();
    now += 86_400_000;
    assert.equal(await large.wasCommitted('b', other.token, bytes.length), true);
  });

  test('a page of something before the service is no empty listing', async () => {
    await using stub = await answering((_request, response) => {
      response.write('<html><body>Back soon</body></html>');
      return 200;
    });
    await using store = open({ endpoint: stub.endpoint });
    await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_UNREACHABLE' });
  });

  test('what something before the service answers in its place is told by its status', async () => {
    for (const [status, body] of [
      [502, '<html><body>Bad Gateway</body></html>'],
      [503, ''],
      [504, 'no answer in time'],
    ] as const) {
      await using stub = await answering((_request, response) => {
        response.statusCode = status;
        if (body !== '') response.write(body);
        return status;
      });
      await using store = open({ endpoint: stub.endpoint });
      const message = new RegExp(`cannot write a: it answered ${status}$`);
      await assert.rejects(store.put('a', bytes), { code: 'STORE_UNREACHABLE', message });
    }
  });

  for (const version of ['old', 'new'] as const)
    test(`the ${version} restic reads the same bucket`, async () => {
      const binary = (await resticBinaries())[version];
      const folder = temporaryFolder('s3');
      writeFileSync(join(folder, 'file'), 'kept');
      const { accessKeyId, secretAccessKey } = server;
      const keys = { accessKeyId, secretAccessKey };
      const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
      const options = { repository: `s3:${server.endpoint}/backups/restic-${version}`, env };
      await runRestic(binary, ['init'], options);
      await runRestic(binary, ['backup', folder], options);
      await using store = openS3Store(s3.config.parse({ ...parseS3Url(options.repository), ...keys }));
      const config = await store.get('config');
      await store.delete('config');
      await store.put('config', config);
      assert.ok((await Array.fromAsync(store.list('data/'))).length >= 2);
      await runRestic(binary, ['check', '--read-data'], options);
    });
});

/** A server that answers each request with a status and nothing else. */
const answering = async (status: (request: IncomingMessage, response: ServerResponse) => number) => {
  const port = await freePort();
  const stub = createServer((request, response) => {
    request.resume().on('end', () => {
      response.statusCode = status(request, response);
      response.end();
    });
  });
  await new Promise<void>((resolve) => stub.listen(port, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      stub.closeAllConnections();
      stub.close();
    },
  };
};
