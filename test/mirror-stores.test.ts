// Mirrors between object stores: Ceph's S3 → OpenStack Swift, and back.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { openStore, storeFromUrl } from '#stores/registry.ts';
import { type ChecksumAlgorithm, checksumsOf } from '#stores/store.ts';
import { holdfast } from '../src/cli/testing.ts';
import { s3 } from '../src/stores/s3/s3.ts';
import { swift } from '../src/stores/swift/swift.ts';
import { type CephServer, startCeph } from './servers/ceph.ts';
import { skipWithout } from './servers/programs.ts';
import { type SwiftServer, skipWithoutSwift, startSwift } from './servers/swift.ts';
import { temporaryFolder } from './tools/temp.ts';

const context = { name: 'test', signal: new AbortController().signal, clock: systemClock, log: silentLog };

suite('mirrors between object stores', { skip: skipWithout('ceph') ?? skipWithoutSwift() ?? false }, () => {
  const folder = temporaryFolder('mirror-stores');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let ceph: CephServer;
  let swiftServer: SwiftServer;

  before(async () => {
    [ceph, swiftServer] = await Promise.all([startCeph(), startSwift()]);
    const { endpoint, accessKeyId, secretAccessKey } = ceph;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    await client.createBucket({ Bucket: 'media' });
    client.destroy();
    mkdirSync(at('files'));
    for (const [name, content] of Object.entries(contents)) writeFileSync(at('files', name), content);
    writeFileSync(at('holdfast.yaml'), configuration(), { mode: 0o600 });
  });
  after(async () => {
    await ceph?.[Symbol.asyncDispose]();
    await swiftServer?.[Symbol.asyncDispose]();
  });

  /** The last travels in pieces. */
  const contents: Readonly<Record<string, Buffer>> = {
    'small é': Buffer.from('content'),
    empty: Buffer.alloc(0),
    large: createHash('shake256', { outputLength: 9_000_000 }).update('large').digest(),
  };
  const s3Keys = (): Record<string, unknown> => {
    const { endpoint, accessKeyId, secretAccessKey } = ceph;
    return { endpoint, bucket: 'media', accessKeyId, secretAccessKey };
  };
  const swiftKeys = (): Record<string, unknown> => {
    const { authUrl, user, key: password } = swiftServer;
    return { container: 'copies', authUrl, user, password };
  };
  const configuration = (): string =>
    JSON.stringify({
      jobs: {
        up: { mirror: at('files'), to: { kind: 's3', ...s3Keys() } },
        across: { mirror: { kind: 's3', ...s3Keys() }, to: { kind: 'swift', ...swiftKeys() } },
        down: { mirror: { kind: 'swift', ...swiftKeys() }, to: at('back') },
      },
      catalog: at('catalog.db'),
    });
  const mirror = async (...words: string[]): Promise<string> => {
    const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: folder };
    const { status, stdout, stderr } = await holdfast(['mirror', ...words], { env });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, stdout);
    return stdout;
  };

  test('files are the same after three journeys, and are not copied twice', async () => {
    for (const job of ['up', 'across', 'down'])
      assert.match(await mirror(job), /3 files processed: 3 copied/);
    for (const [name, content] of Object.entries(contents))
      assert.ok(content.equals(readFileSync(at('back', name))), name);
    for (const job of ['up', 'across', 'down']) assert.match(await mirror(job), /3 were OK already/);
    for (const job of ['up', 'across', 'down'])
      assert.match(await mirror('--verify', job), /3 as they were written, 0 failed/);
  });

  test('both stores tell the MD5 of what was put in one piece, and none of what came in pieces', async () => {
    const configs = [s3.config.parse(s3Keys()), swift.config.parse(swiftKeys())] as const;
    for (const store of [await s3.open(configs[0], context), await swift.open(configs[1], context)]) {
      await using opened = store;
      const md5 = createHash('md5')
        .update(contents['small é'] ?? '')
        .digest('hex');
      const { signal } = context;
      const told = async (key: string, ...algorithms: ChecksumAlgorithm[]) =>
        await checksumsOf(opened)?.checksum(key, { algorithms, sizeBytes: 7, signal });
      assert.deepEqual(await told('small é', 'sha256', 'md5'), { algorithm: 'md5', value: md5 });
      assert.equal(await told('small é', 'sha256'), undefined);
      assert.equal(await told('large', 'md5'), undefined);
      await assert.rejects(() => told('none', 'md5'), { code: 'OBJECT_MISSING' });
    }
    await using local = await openStore(storeFromUrl(at('back')), context);
    assert.equal(checksumsOf(local), undefined);
  });

  test('an object that is gone at its source is no longer listed, and keeps its copy', async () => {
    rmSync(at('files', 'empty'));
    assert.match(await mirror('--rerun', 'up'), /0 failed, 2 were OK already/);
    assert.match(await mirror('--verify', 'across'), /3 as they were written/);
  });
});
