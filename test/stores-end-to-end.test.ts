// Databases and files on every distant store, through the command line: kept, judged by restic over the same store, brought back;
// and what happens when the store fails.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { S3 } from '@aws-sdk/client-s3';
import { loadConfig, repositoryNamed } from '#config/config.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { seededRandom } from '#lib/random.ts';
import { jumpingClock } from '#lib/testing.ts';
import { hastenKeyIn, neverFires } from '#repository/testing.ts';
import { openStore } from '#stores/registry.ts';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { type CephServer, startCeph } from './servers/ceph.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { freePort } from './servers/process.ts';
import { skipWithout } from './servers/programs.ts';
import { type SshServer, skipWithoutSshd, startSshd } from './servers/sshd.ts';
import { type SwiftServer, skipWithoutSwift, startSwift } from './servers/swift.ts';
import { jsonLines } from './tools/cli.ts';
import { randomBytes } from './tools/random.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { slowLine } from './tools/slow-line.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip =
  skipWithoutSshd() ?? skipWithoutSwift() ?? skipWithoutRestic() ?? skipWithout('ceph', 'postgresql');
const folder = temporaryFolder('end-to-end');
const at = (...parts: string[]): string => join(folder, ...parts);
const password = 'correct horse';

suite('distant stores, end to end', { skip: skip ?? false }, () => {
  let ssh: SshServer;
  let ceph: CephServer;
  let swift: SwiftServer;
  let database: PostgresServer;
  let bucket: S3;

  before(async () => {
    [ssh, ceph, swift, database] = await Promise.all([
      startSshd(),
      startCeph(),
      startSwift(),
      startPostgres(),
    ]);
    const { endpoint, accessKeyId, secretAccessKey } = ceph;
    const credentials = { accessKeyId, secretAccessKey };
    bucket = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    await bucket.createBucket({ Bucket: 'backups' });
    await database.psql('postgres', 'CREATE DATABASE shop');
    await database.psql(
      'shop',
      `CREATE TABLE orders (id int PRIMARY KEY, what text);
       INSERT INTO orders SELECT n, 'thing ' || n FROM generate_series(1, 2000) n`,
    );
    mkdirSync(at('media', 'deep'), { recursive: true });
    writeFileSync(at('media', 'deep', 'photo.jpg'), randomBytes(seededRandom('photo'), 3_000_000));
    writeFileSync(at('media', 'menu.txt'), 'soup of the day');
    writeFileSync(at('password'), password, { mode: 0o600 });
    writeConfig('holdfast.yaml', {});
    process.env.PGPASSWORD = database.password;
    for (const kind of kinds) await done(`init ${kind}`);
    await hastenKeys();
    await done('backup nightly');
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    bucket?.destroy();
    for (const server of [ssh, ceph, swift, database]) await server?.[Symbol.asyncDispose]();
  });

  const kinds = ['sftp', 's3', 'swift'] as const;
  type StoreKind = (typeof kinds)[number];

  const settings = (): Record<StoreKind, Record<string, unknown>> => ({
    sftp: {
      host: ssh.host,
      port: ssh.port,
      user: ssh.user,
      path: `${ssh.path}/vault`,
      privateKey: ssh.key,
      knownHosts: ssh.knownHosts,
      sshConfig: 'none',
    },
    s3: {
      endpoint: ceph.endpoint,
      bucket: 'backups',
      prefix: 'vault',
      accessKeyId: ceph.accessKeyId,
      secretAccessKey: ceph.secretAccessKey,
    },
    swift: {
      container: 'backups',
      prefix: 'vault',
      authUrl: swift.authUrl,
      user: swift.user,
      password: swift.key,
    },
  });

  /** Puts keys that are quick to try in the place of those that `init` made. */
  const hastenKeys = async (): Promise<void> => {
    const config = await loadConfig(at('holdfast.yaml'), {});
    const context = { name: 'test', signal: neverFires, clock: systemClock, log: silentLog };
    for (const kind of kinds) {
      await using store = await openStore(repositoryNamed(config, kind).store, context);
      await hastenKeyIn(store, password);
    }
  };

  /** A configuration with all three repositories; `over` changes settings of their stores. */
  const writeConfig = (name: string, over: Partial<Record<StoreKind, Record<string, unknown>>>): string => {
    const repositories = Object.fromEntries(
      Object.entries(settings()).map(([kind, values]) => [
        kind,
        { store: { kind, ...values, ...over[kind as StoreKind] }, password: { file: at('password') } },
      ]),
    );
    const { host, port, user } = database;
    const sources = {
      shop: { kind: 'postgres', url: `postgres://${user}@${host}:${port}/shop` },
      media: { kind: 'files', path: at('media') },
    };
    const jobs = Object.fromEntries(kinds.map((kind) => [`to-${kind}`, { backup: ['media'], to: [kind] }]));
    const nightly = { backup: ['shop', 'media'], to: kinds };
    const config = { repositories, sources, jobs: { nightly, ...jobs }, catalog: at('catalog.db') };
    writeFileSync(at(name), JSON.stringify(config), { mode: 0o600 });
    return at(name);
  };

  /** With `hurry` nobody waits before trying again. */
  const run = (line: string, config = at('holdfast.yaml'), hurry = false): Promise<Outcome> =>
    holdfast(line.split(' '), {
      env: { HOLDFAST_CONFIG: config, HOME: at('home') },
      clock: hurry ? jumpingClock(new Date()) : systemClock,
    });
  const done = async (line: string, config?: string): Promise<string> => {
    const { status, stdout, stderr } = await run(line, config);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, line);
    return stdout;
  };

  const restic = async (kind: StoreKind, ...args: readonly string[]): Promise<string> => {
    const command = `ssh -p ${ssh.port} -i ${ssh.key} -o UserKnownHostsFile=${ssh.knownHosts} -o IdentitiesOnly=yes ${ssh.user}@${ssh.host} -s sftp`;
    const places = {
      sftp: { repository: `sftp:${ssh.user}@${ssh.host}:${ssh.path}/vault`, env: {} },
      s3: {
        repository: `s3:${ceph.endpoint}/backups/vault`,
        env: { AWS_ACCESS_KEY_ID: ceph.accessKeyId, AWS_SECRET_ACCESS_KEY: ceph.secretAccessKey },
      },
      swift: {
        repository: 'swift:backups:/vault',
        env: { ST_AUTH: swift.authUrl, ST_USER: swift.user, ST_KEY: swift.key },
      },
    };
    const options = kind === 'sftp' ? ['-o', `sftp.command=${command}`] : [];
    const { new: binary } = await resticBinaries();
    const { stdout } = await runRestic(binary, [...options, ...args], { ...places[kind], password });
    return String(stdout);
  };

  const snapshotsIn = async (kind: StoreKind): Promise<number> =>
    jsonLines(await done(`snapshots -r ${kind} --json`)).filter(
      ({ message_type }) => message_type === 'snapshot',
    ).length;

  /** Failed with status 14 and a hint, without a secret; the snapshots of before are there, and the next backup goes on. */
  const assertHarmless = async (
    kind: StoreKind,
    { status, stdout, stderr }: Outcome,
    what: RegExp,
    hint: RegExp,
  ) => {
    const shown = stdout + stderr;
    assert.equal(status, 14, shown);
    assert.match(shown, what);
    assert.match(shown, hint);
    for (const secret of [password, ceph.secretAccessKey]) assert.ok(!shown.includes(secret));
    const before = await snapshotsIn(kind);
    await done(`backup to-${kind}`);
    assert.equal(await snapshotsIn(kind), before + 1);
  };

  for (const kind of kinds)
    test(`${kind}: files and a database come back as they were, and restic finds the repository whole`, async () => {
      assert.match(await restic(kind, 'check', '--read-data'), /no errors were found/);
      await done(`restore latest:media -r ${kind} --to ${at(`${kind}-media`)}`);
      for (const file of ['menu.txt', 'deep/photo.jpg'])
        assert.ok(readFileSync(at(`${kind}-media`, file)).equals(readFileSync(at('media', file))), file);
      const target = database.url(`shop_${kind}`).replace(/:[^:@/]*@/, '@');
      await done(`restore latest:shop -r ${kind} --to ${target}`);
      assert.equal(await database.pgDump(`shop_${kind}`), await database.pgDump('shop'));
    });

  test('indexes, snapshots and trees are kept here, and what is kept is not asked for again', async () => {
    mkdirSync(at('cached'), { recursive: true });
    const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home'), XDG_CACHE_HOME: at('cached') };
    const shown = async (more: readonly string[] = []) => {
      const { status, stdout, stderr } = await holdfast(['ls', 'latest:media', '-r', 'sftp', ...more], {
        env,
      });
      assert.equal(status, 0, stderr);
      return stdout;
    };
    const uncached = await shown(['--no-cache']);
    assert.deepEqual(readdirSync(at('cached')), []);
    assert.equal(await shown(), uncached);
    const packs = join(ssh.folder, 'vault', 'data');
    renameSync(packs, `${packs}-away`);
    assert.equal(await shown(), uncached);
    const { status } = await holdfast(['check', '-r', 'sftp'], { env });
    assert.equal(status, 1, 'a check looks at the store itself');
    renameSync(`${packs}-away`, packs);
  });

  test('a changed host key is refused and nothing is lost', async () => {
    const knownHosts = at('changed_hosts');
    const stranger = readFileSync(`${ssh.key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(knownHosts, `[${ssh.host}]:${ssh.port} ${stranger}\n`);
    const config = writeConfig('changed.yaml', { sftp: { knownHosts } });
    await assertHarmless(
      'sftp',
      await run('backup to-sftp', config),
      /shows another key/,
      /hint: somebody may be posing/,
    );
  });

  test('a token that has run out is told, with what to do', async () => {
    const service = createServer((request, response) => {
      request.resume().on('end', () => {
        response.statusCode = 400;
        response.end(
          '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>',
        );
      });
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    const endpoint = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
    const config = writeConfig('expired.yaml', { s3: { endpoint, sessionToken: 'old' } });
    await assertHarmless('s3', await run('backup to-s3', config), /token has expired/, /get a new one/);
    service.closeAllConnections();
    service.close();
  });

  test('a bucket that is not there is told, and not made', async () => {
    const config = writeConfig('no-bucket.yaml', { s3: { bucket: 'bakcups' } });
    await assertHarmless('s3', await run('backup to-s3', config), /NoSuchBucket/, /make the bucket/);
  });

  test('with a key that may only read, snapshots are read and none is made', async () => {
    const keys = { accessKeyId: 'AKIDREADER', secretAccessKey: 'readers-secret' };
    await makeUser('reader', keys, ['s3:GetObject', 's3:ListBucket']);
    const config = writeConfig('reader.yaml', { s3: keys });
    await done(`restore latest:media -r s3 --no-lock --to ${at('by-reader')}`, config);
    assert.equal(readFileSync(at('by-reader', 'menu.txt'), 'utf8'), 'soup of the day');
    await assertHarmless('s3', await run('backup to-s3', config), /AccessDenied/, /rights/);
  });

  test('a full quota ends the backup; with room the next one goes on', async () => {
    const login = await fetch(swift.authUrl, {
      headers: { 'X-Auth-User': swift.user, 'X-Auth-Key': swift.key },
    });
    const limit = (bytes: string) =>
      fetch(`${login.headers.get('x-storage-url')}/backups`, {
        method: 'POST',
        headers: {
          'X-Auth-Token': login.headers.get('x-auth-token') ?? '',
          'X-Container-Meta-Quota-Bytes': bytes,
        },
      });
    await limit('3500000');
    writeFileSync(at('media', 'film.mp4'), randomBytes(seededRandom('film'), 3_000_000));
    const outcome = await run('backup to-swift');
    await limit('');
    await assertHarmless('swift', outcome, /413|quota/i, /raise the quota|room/);
  });

  test('a line that breaks in the middle of a backup is made again, and the backup is whole', async () => {
    await using line = await slowLine(ssh.port, 0);
    writeFileSync(at('media', 'song.ogg'), randomBytes(seededRandom('song'), 4_000_000));
    const knownHosts = at('line_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${line.port} ${ssh.hostKey}\n`);
    const config = writeConfig('line.yaml', { sftp: { port: line.port, knownHosts } });
    line.breakAfter(2_000_000);
    const { status, stderr } = await run('backup to-sftp', config);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /trying again .*the connection broke/);
  });

  test('a server that goes away in the middle and stays away ends the backup, and nothing is lost', async () => {
    await using line = await slowLine(ssh.port, 0);
    writeFileSync(at('media', 'talk.ogg'), randomBytes(seededRandom('talk'), 4_000_000));
    const knownHosts = at('gone_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${line.port} ${ssh.hostKey}\n`);
    const config = writeConfig('gone.yaml', { sftp: { port: line.port, knownHosts } });
    line.breakAfter(2_000_000, { forGood: true });
    const outcome = await run('backup to-sftp', config, true);
    // Its lock could not be removed, and this process, which holds it, goes on.
    await done('unlock --remove-all -r sftp');
    await assertHarmless('sftp', outcome, /cannot|refused|connect/i, /hint: /);
  });

  test('a service that is not there at all is told soon', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const config = writeConfig('nobody.yaml', { s3: { endpoint } });
    await assertHarmless('s3', await run('backup to-s3', config, true), /ECONNREFUSED/, /check the line/);
  });

  test('store verify tells an append-only key from one that may do all', async () => {
    assert.match(await done('store verify sftp'), /keeps all \d+ promises/);
    assert.ok(!existsSync(join(ssh.folder, 'vault', 'holdfast-verify')));
    const keys = { accessKeyId: 'AKIDADDER', secretAccessKey: 'adders-secret' };
    await makeUser('adder', keys, ['s3:GetObject', 's3:PutObject', 's3:ListBucket']);
    const { status, stderr } = await run('store verify s3', writeConfig('adder.yaml', { s3: keys }));
    assert.equal(status, 1);
    assert.match(stderr, /does not hold: what is stored can be removed again.*\nhint: backups go on/);
  });

  test('of two machines that archive into one place, neither replaces or removes what the other made', async () => {
    const { sftp, s3, swift: container } = settings();
    const to = [
      { kind: 'sftp', ...sftp, path: `${ssh.path}/archives` },
      { kind: 's3', ...s3, prefix: 'archives' },
      { kind: 'swift', ...container, prefix: 'archives' },
    ];
    const clock = standingClock();
    const archive = async (host: string): Promise<Outcome> => {
      const name = '{source}_{yyyy}{mm}{dd}{HH}{MM}.tar';
      const jobs = { plain: { archive: ['media'], to, name, keep: { last: 1 } } };
      const sources = { media: { kind: 'files', path: at('media') } };
      const config = at(`${host}.yaml`);
      writeFileSync(config, JSON.stringify({ sources, jobs, catalog: at(`${host}.db`) }), { mode: 0o600 });
      process.env.HOLDFAST_HOST = host;
      try {
        return await holdfast(['run', 'plain'], {
          env: { HOLDFAST_CONFIG: config, HOME: at('home') },
          clock,
        });
      } finally {
        delete process.env.HOLDFAST_HOST;
      }
    };
    const files = (): string[] =>
      readdirSync(join(ssh.folder, 'archives')).filter((name) => name.endsWith('.tar'));
    assert.equal((await archive('one')).status, 0);
    const refused = await archive('two');
    assert.equal(refused.status, 1);
    assert.equal(refused.stderr.match(/is not replaced: job plain of .* on one made it/g)?.length, 3);
    for (const host of ['two', 'one']) {
      clock.advance(60_000);
      const { status, stderr } = await archive(host);
      assert.deepEqual([status, stderr], [0, '']);
    }
    assert.equal(files().length, 2);
    const { KeyCount } = await bucket.listObjectsV2({ Bucket: 'backups', Prefix: 'archives/' });
    assert.equal(KeyCount, 6, 'each of the two archives with its checksum and its owner');
  });

  test('after all of it restic finds every repository whole', async () => {
    for (const kind of kinds)
      assert.match(await restic(kind, 'check', '--read-data'), /no errors were found/);
  });

  const makeUser = async (
    name: string,
    keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
    actions: readonly string[],
  ): Promise<void> => {
    const args = [`--uid=${name}`, `--display-name=${name}`, `--access-key=${keys.accessKeyId}`];
    await ceph.admin('user', 'create', ...args, `--secret-key=${keys.secretAccessKey}`);
    const Statement = {
      Effect: 'Allow',
      Principal: { AWS: [`arn:aws:iam:::user/${name}`] },
      Action: actions,
      Resource: ['arn:aws:s3:::backups', 'arn:aws:s3:::backups/*'],
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await bucket.putBucketPolicy({ Bucket: 'backups', Policy });
  };
});
