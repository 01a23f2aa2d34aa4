import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { systemClock } from '#lib/clock.ts';
import { hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { seededRandom } from '#lib/random.ts';
import {
  type PlainSftpFaults,
  type PlainSftpServer,
  startPlainSftp,
} from '../../../test/servers/plain-sftp.ts';
import { type SshServer, skipWithoutSshd, startSshd } from '../../../test/servers/sshd.ts';
import { skipWithoutFailingDisk } from '../../../test/tools/failing-disk.ts';
import { overbookedDisk } from '../../../test/tools/overbooked-disk.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from '../../../test/tools/restic.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { sampleBytes } from '../contract.ts';
import { comparedPutsOf, type LargeObject, largeObjectsOf, type Store } from '../store.ts';
import { storeContract } from '../testing.ts';
import { withRetry } from '../wrappers/retry.ts';
import { sftp } from './sftp.ts';
import { openSftpStore } from './sftp-store.ts';

const skip = skipWithoutSshd();
const bytes = Buffer.from('content');
let server: SshServer;

const usual = () => ({
  host: server.host,
  port: server.port,
  user: server.user,
  path: `${server.path}/store`,
  privateKey: server.key,
  knownHosts: server.knownHosts,
  sshConfig: 'none',
});

/** Opens the store with the usual configuration but for what is told; undefined leaves a setting out. */
const open = (over: Record<string, unknown> = {}): Store => {
  const settings = Object.entries({ ...usual(), ...over }).filter(([, value]) => value !== undefined);
  return openSftpStore(sftp.config.parse(Object.fromEntries(settings)), { log: silentLog });
};

const failure = async (store: Store): Promise<{ code: string; message: string; hint: string }> => {
  await using closing = store;
  const error: unknown = await closing.put('a', bytes).then(
    () => assert.fail('it got in'),
    (reason: unknown) => reason,
  );
  assert.ok(
    hasCode(error, 'STORE_DENIED', 'STORE_UNREACHABLE', 'STORE_FULL', 'CONFIG_INVALID'),
    String(error),
  );
  return { code: error.code, message: error.message, hint: error.hint ?? '' };
};

/**
 * A server in this process, for what the one of the machine cannot be made to ask for without changing its accounts. Of the ed25519 keys
 * that the library makes it cannot read one in two hundred itself.
 */
const passwordServer = async (
  method: 'password' | 'keyboard-interactive',
  password: string,
  /** Asks for a key as well, whatever it is, once the password is right. */
  asksForKey = false,
) => {
  const server = new ssh2.Server(
    { hostKeys: [ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private] },
    (client) => {
      client.on('error', () => {});
      let isRight = false;
      client.on('authentication', (attempt) => {
        if (isRight && attempt.method === 'publickey') attempt.accept();
        else if (asksForKey && attempt.method === method) {
          isRight = true;
          attempt.reject(['publickey'], true);
        } else if (attempt.method !== method) attempt.reject([method]);
        else if (attempt.method === 'password')
          attempt.password === password ? attempt.accept() : attempt.reject();
        else if (attempt.method === 'keyboard-interactive')
          attempt.prompt([{ prompt: 'Password: ' }], ([answer]) =>
            answer === password ? attempt.accept() : attempt.reject(),
          );
      });
      client.on('session', (accept) => {
        accept().on('sftp', (acceptSftp) => {
          const channel = acceptSftp();
          channel.on('OPEN', (id) => channel.status(id, ssh2.utils.sftp.STATUS_CODE.NO_SUCH_FILE));
        });
      });
    },
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
};

const getsIn = async (over: Record<string, unknown>): Promise<void> => {
  await using store = open(over);
  await store.put('got-in', bytes);
};

storeContract('sftp on OpenSSH, chrooted', {
  skip,
  start: async () => {
    server = await startSshd();
  },
  open: async () => open(),
  stop: async () => await server[Symbol.asyncDispose](),
});

let plain: PlainSftpServer;
const plainFolder = temporaryFolder('plain-sftp');

const openPlain = ({ port }: PlainSftpServer, folder: string): Store =>
  openSftpStore(
    sftp.config.parse({
      host: '127.0.0.1',
      port,
      user: 'anybody',
      password: 'any',
      path: '/some/folder',
      knownHosts: join(folder, 'known_hosts'),
      newHosts: 'accept',
      sshConfig: 'none',
    }),
    { log: silentLog },
  );

storeContract('sftp on a server without extensions', {
  start: async () => {
    plain = await startPlainSftp(plainFolder);
  },
  open: async () => openPlain(plain, plainFolder),
  stop: async () => await plain?.[Symbol.asyncDispose](),
});

test('an object stays where it is when a server without extensions refuses to rename another onto it', async () => {
  const folder = temporaryFolder('plain-sftp');
  const faults: PlainSftpFaults = {};
  await using server = await startPlainSftp(folder, faults);
  await using store = openPlain(server, folder);
  await store.put('config', bytes);
  await store.put('config', Buffer.from('another'));
  assert.equal(String(Buffer.from(await store.get('config'))), 'another');
  faults.renamesNothing = true;
  await assert.rejects(store.put('config', bytes), { code: 'STORE_UNREACHABLE' });
  assert.equal(String(Buffer.from(await store.get('config'))), 'another');
  assert.deepEqual(readdirSync(join(folder, 'some/folder')), ['config']);
});

test('a folder whose listing breaks off with the status of its end is not at its end', async () => {
  const folder = temporaryFolder('plain-sftp');
  const faults: PlainSftpFaults = {};
  await using server = await startPlainSftp(folder, faults);
  await using store = openPlain(server, folder);
  for (let number = 0; number < 60; number += 1) await store.put(`locks/${number}`, bytes);
  const list = () => Array.fromAsync(store.list('locks/'));
  faults.listingBreaksOff = 'operation error S3: ListObjectsV2, Get "https://s3/backups": EOF';
  await assert.rejects(list(), { code: 'STORE_UNREACHABLE' });
  delete faults.listingBreaksOff;
  assert.equal((await list()).length, 60);
});

test('a listing that never ends or leads elsewhere, and an object of a size that it cannot have, are refused', async () => {
  const folder = temporaryFolder('plain-sftp');
  const faults: PlainSftpFaults = {};
  await using server = await startPlainSftp(folder, faults);
  await using store = openPlain(server, folder);
  await store.put('config', bytes);
  for (faults.listsForEver of ['config', '../config', 'a/b', 'nul\0', ''])
    await assert.rejects(Array.fromAsync(store.list('')), {
      code: 'STORE_UNREACHABLE',
      message: /does not end|cannot be/,
    });
  delete faults.listsForEver;
  for (faults.size of [2 ** 33, 2 ** 52])
    await assert.rejects(store.get('config'), { code: 'STORE_UNREACHABLE', message: /has more than/ });
  assert.equal((await store.get('config', { offset: 0, length: 3 })).length, 3);
});

test('a server that does not say in its listings what is a file, or how large, is asked for each; one that never says is refused', async () => {
  const folder = temporaryFolder('plain-sftp');
  const faults: PlainSftpFaults = {};
  await using server = await startPlainSftp(folder, faults);
  await using store = openPlain(server, folder);
  await store.put('locks/a', bytes);
  const list = () => Array.fromAsync(store.list(''));
  const listed = await list();
  for (const what of ['mode', 'size'] as const) {
    faults.silentOf = { what: [what], isListing: true };
    assert.deepEqual(await list(), listed);
    faults.silentOf = { what: [what] };
    await assert.rejects(list(), { code: 'UNSUPPORTED', message: /does not say/ });
  }
  await assert.rejects(store.get('locks/a'), { code: 'STORE_UNREACHABLE', message: /how large/ });
  faults.silentOf = { what: ['mtime', 'atime'] };
  assert.deepEqual(await list(), [{ key: 'locks/a', size: bytes.length }]);
});

test('of what a server says of a failure no more is told than somebody may read', async () => {
  const folder = temporaryFolder('plain-sftp');
  await using server = await startPlainSftp(folder, { renamesNothing: true, says: 'x'.repeat(30_000) });
  await using store = openPlain(server, folder);
  await assert.rejects(store.put('config', bytes), { code: 'STORE_UNREACHABLE', message: /x{500}/ });
  await assert.rejects(store.put('config', bytes), ({ message }: Error) => message.length < 1200);
});

suite('sftp', { skip: skip ?? false }, () => {
  before(async () => {
    server = await startSshd();
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  test('what the disk of the server could not keep is not committed by a second attempt', {
    skip: skipWithoutFailingDisk(),
  }, async () => {
    const mounted = join(server.folder, 'no-room');
    using _disk = overbookedDisk(mounted);
    chmodSync(mounted, 0o777);
    await using store = open({ path: `${server.path}/no-room/store` });
    const object = (await largeObjectsOf(store)?.beginLarge('a')) as LargeObject;
    await object.putPiece({ number: 0, offset: 0 }, Buffer.alloc(4 * 1024 * 1024, 1));
    for (const _ of ['first', 'second'])
      await assert.rejects(object.commit(), (error) => hasCode(error, 'STORE_DENIED', 'STORE_FULL'));
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
    await object.abort();
  });

  test('a folder that may not be read ends a listing, unless it goes on without it', async () => {
    await using store = open({ path: `${server.path}/closed` });
    await store.put('open/a', bytes);
    for (const name of ['dark', 'dark/in']) mkdirSync(join(server.folder, 'closed', name), { mode: 0o700 });
    symlinkSync('.', join(server.folder, 'closed/open/loop'));
    await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_DENIED' });
    const told: string[] = [];
    const onUnreadable = (key: string): void => void told.push(key);
    const keys = (await Array.fromAsync(store.list('', { onUnreadable }))).map(({ key }) => key);
    assert.deepEqual([keys, told.toSorted()], [['open/a'], ['dark', 'open/loop']]);
  });

  test('an unknown host is refused with its fingerprint and the line that would make it known', async () => {
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    const { code, message, hint } = await failure(open({ knownHosts }));
    assert.equal(code, 'STORE_DENIED');
    assert.match(message, /is not a known host; its key is SHA256:[\w+/]{43}$/);
    const [line] = /\[127\.0\.0\.1\]:\d+ ssh-ed25519 \S+$/.exec(hint) ?? [];
    writeFileSync(knownHosts, `${line}\n`);
    await getsIn({ knownHosts });
  });

  test('a new host is trusted when that was asked for, and from then on by its key', async () => {
    const knownHosts = join(temporaryFolder('sftp'), 'folder', 'known_hosts');
    await getsIn({ knownHosts, newHosts: 'accept' });
    assert.equal(readFileSync(knownHosts, 'utf8'), `[127.0.0.1]:${server.port} ${server.hostKey}\n`);
    await getsIn({ knownHosts });
  });

  test('a changed host key is refused whatever was asked for', async () => {
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    const other = readFileSync(`${server.strangerKey}.pub`, 'utf8');
    writeFileSync(knownHosts, `[127.0.0.1]:${server.port} ${other}`);
    const { code, message, hint } = await failure(open({ knownHosts, newHosts: 'accept' }));
    assert.equal(code, 'STORE_DENIED');
    assert.match(message, /shows another key/);
    assert.match(hint, /ssh-keygen -R/);
  });

  test('a key that is not let in is named', async () => {
    const { code, hint } = await failure(open({ privateKey: server.strangerKey }));
    assert.equal(code, 'STORE_DENIED');
    assert.ok(hint.includes(server.strangerKey), hint);
    writeFileSync(`${server.strangerKey}-cert.pub`, 'a certificate');
    const certified = await failure(open({ privateKey: server.strangerKey }));
    assert.match(certified.hint, /without its certificate, which is not supported/);
  });

  test('an encrypted key needs its passphrase', async () => {
    await getsIn({ privateKey: server.encryptedKey, passphrase: server.passphrase });
    const { code, message } = await failure(open({ privateKey: server.encryptedKey }));
    assert.equal(code, 'STORE_DENIED');
    assert.match(message, /no passphrase given/);
    const wrong = await failure(open({ privateKey: server.encryptedKey, passphrase: 'wr0ng' }));
    assert.equal(wrong.code, 'STORE_DENIED');
    assert.ok(!JSON.stringify(wrong).includes('wr0ng'));
  });

  test('a key that is not there is said to be missing', async () => {
    const { code, message } = await failure(open({ privateKey: '/no/such/key' }));
    assert.equal(code, 'STORE_DENIED');
    assert.match(message, /cannot read the private key \/no\/such\/key/);
  });

  test('aliases, keys and known hosts come from the configuration of ssh', async () => {
    const sshConfig = join(temporaryFolder('sftp'), 'config');
    writeFileSync(
      sshConfig,
      `Host vault\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n  IdentityFile ${server.key}\n  UserKnownHostsFile ${server.knownHosts}\n`,
    );
    await getsIn({
      host: 'vault',
      port: undefined,
      user: undefined,
      privateKey: undefined,
      knownHosts: undefined,
      sshConfig,
    });
  });

  test('the agent’s keys are offered', async () => {
    const folder = temporaryFolder('sftp');
    const socket = join(folder, 'agent');
    const answer = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(answer)?.[1]);
    try {
      execFileSync('ssh-add', ['-q', server.key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      const sshConfig = join(folder, 'config');
      writeFileSync(sshConfig, `IdentityAgent ${socket}\nIdentityFile /no/such/key\n`);
      await getsIn({ privateKey: undefined, sshConfig });
    } finally {
      process.kill(pid);
      while (existsSync(socket)) await nextTurn(); // else what removes the folder meets it as it goes, and stops
    }
  });

  test('a key that is encrypted is found in the agent, and before the many others there', async () => {
    const folder = temporaryFolder('sftp');
    const socket = join(folder, 'agent');
    const answer = execFileSync('ssh-agent', ['-a', socket], { encoding: 'utf8' });
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(answer)?.[1]);
    try {
      const others = Array.from({ length: 7 }, (_, index) => join(folder, `other-${index}`));
      for (const path of others) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      execFileSync('ssh-add', ['-q', ...others, server.key], { env });
      const privateKey = join(folder, 'id');
      copyFileSync(server.encryptedKey, privateKey);
      copyFileSync(`${server.key}.pub`, `${privateKey}.pub`);
      const sshConfig = join(folder, 'config');
      writeFileSync(sshConfig, `IdentityAgent ${socket}\nIdentityFile ${privateKey}\n`);
      await getsIn({ privateKey: undefined, sshConfig });
      await getsIn({ privateKey, sshConfig });
    } finally {
      process.kill(pid);
      while (existsSync(socket)) await nextTurn(); // else what removes the folder meets it as it goes, and stops
    }
  });

  test('a server is reached through others', async () => {
    await using gate = await startSshd({ forwarding: true });
    const folder = temporaryFolder('sftp');
    const knownHosts = join(folder, 'known_hosts');
    writeFileSync(
      knownHosts,
      readFileSync(gate.knownHosts, 'utf8') + readFileSync(server.knownHosts, 'utf8'),
    );
    const sshConfig = join(folder, 'config');
    writeFileSync(
      sshConfig,
      `Host gate\n  HostName 127.0.0.1\n  Port ${gate.port}\n  User ${gate.user}\n  IdentityFile ${gate.key}\n`,
    );
    await getsIn({ knownHosts, sshConfig, jump: 'gate' });
    const refused = await failure(
      open({ knownHosts, sshConfig, jump: `${server.user}@127.0.0.1:${server.port}` }),
    );
    assert.equal(refused.code, 'STORE_DENIED'); // the key of the configuration is for the target only
  });

  for (const method of ['password', 'keyboard-interactive'] as const)
    test(`a password is given to a server that wants it by ${method}`, async () => {
      await using asking = await passwordServer(method, 'pässword');
      const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
      const over = { port: asking.port, knownHosts, newHosts: 'accept', privateKey: undefined };
      await using store = open({ ...over, password: 'pässword' });
      await assert.rejects(store.get('a'), { code: 'OBJECT_MISSING' }); // it got in; that server has no files
      const { code, message, hint } = await failure(open({ ...over, password: 'wr0ng' }));
      assert.equal(code, 'STORE_DENIED');
      assert.match(hint, /the password/);
      assert.ok(!`${message}${hint}`.includes('wr0ng'));
    });

  test('a server that wants a password first and then a key is given both', async () => {
    await using asking = await passwordServer('password', 'any', true);
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    const over = { port: asking.port, knownHosts, newHosts: 'accept', password: 'any' };
    await using store = open(over);
    await assert.rejects(store.get('a'), { code: 'OBJECT_MISSING' });
    const sshConfig = join(temporaryFolder('sftp'), 'config');
    writeFileSync(sshConfig, 'IdentityFile /no/such/key\nIdentityAgent none\n');
    const { hint } = await failure(open({ ...over, privateKey: undefined, sshConfig }));
    assert.match(hint, /tried the password; some of it was right, and it wants publickey too/);
  });

  test('a server that is not there, and a name that is none, can be tried again', async () => {
    const none = await failure(open({ port: 1 }));
    assert.equal(none.code, 'STORE_UNREACHABLE');
    assert.match(none.message, /cannot connect to backup@127\.0\.0\.1:1/);
    const unnamed = await failure(open({ host: 'no-such-host.invalid', timeoutSeconds: 5 }));
    assert.equal(unnamed.code, 'STORE_UNREACHABLE');
  });

  test('a server that lets us in and then does not begin is not waited for for ever', async (t) => {
    const letIn = join(temporaryFolder('sftp'), 'let-in');
    await using hanging = await startSshd({ shell: true, sftpCommand: `touch ${letIn}; exec sleep 100` });
    const { port, user, key: privateKey, knownHosts } = hanging;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const failed = failure(open({ port, user, privateKey, knownHosts, timeoutSeconds: 9 }));
    while (!existsSync(letIn)) await nextTurn();
    t.mock.timers.tick(9000);
    const { code, message } = await failed;
    assert.equal(code, 'STORE_UNREACHABLE');
    assert.match(message, /does not begin SFTP: no answer within 9 s/);
  });

  test('a connection that breaks as SFTP begins may be made again: the server may well offer it', async () => {
    await using breaking = await startSshd({ shell: true, sftpCommand: 'kill -9 $PPID' });
    const { port, user, key: privateKey, knownHosts } = breaking;
    const { code, message } = await failure(open({ port, user, privateKey, knownHosts }));
    assert.equal(code, 'STORE_UNREACHABLE');
    assert.match(message, /the connection broke as SFTP began/);
  });

  test('a folder that may not be written in is STORE_DENIED', async () => {
    const folder = join(server.folder, 'locked');
    mkdirSync(folder, { mode: 0o755 });
    chownSync(folder, 0, 0);
    const { code } = await failure(open({ path: `${server.path}/locked` }));
    assert.equal(code, 'STORE_DENIED');
  });

  test('a full disk on the server is STORE_FULL', { skip: skipWithoutSmallDisk() }, async () => {
    using _ = smallDisk(join(server.folder, 'small'), 'size=1m,mode=777');
    await using store = open({ path: `${server.path}/small` });
    await assert.rejects(store.put('data/a', Buffer.alloc(2_000_000)), { code: 'STORE_FULL' });
    assert.deepEqual(await Array.fromAsync(store.list('')), []);
  });

  test('a line that breaks in the middle of a put leaves no object, and the store connects again', async () => {
    await using line = await slowLine(server.port, 0);
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${line.port} ${server.hostKey}\n`);
    await using store = open({ port: line.port, knownHosts, path: `${server.path}/broken` });
    await store.put('before', bytes);
    line.breakAfter(1_000_000);
    await assert.rejects(store.put('large', sampleBytes(4_000_000, 'x')), { code: 'STORE_UNREACHABLE' });
    assert.deepEqual(await Array.fromAsync(store.list(''), ({ key }) => key), ['before']);
    await store.put('large', sampleBytes(4_000_000, 'x'));
    line.breakAfter(200_000);
    const retrying = withRetry(store, {
      clock: { ...systemClock, sleep: async () => {} },
      random: seededRandom(1),
      log: silentLog,
      signal: new AbortController().signal,
    });
    await retrying.put('larger', sampleBytes(5_000_000, 'y'));
    assert.equal((await store.get('larger')).length, 5_000_000);
  });

  test('a large object is finished although the line broke between its protection and its name', async () => {
    await using line = await slowLine(server.port, 0);
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${line.port} ${server.hostKey}\n`);
    await using store = open({ port: line.port, knownHosts, path: `${server.path}/late` });
    const object = await largeObjectsOf(store)?.beginLarge('large');
    assert.ok(object);
    await object.putPiece({ number: 1, offset: 0 }, bytes);
    chmodSync(join(server.folder, 'late', object.token), 0o400);
    line.breakAfter(1);
    await assert.rejects(object.commit(), { code: 'STORE_UNREACHABLE' });
    await object.commit();
    assert.deepEqual(Buffer.from(await store.get('large')), bytes);
  });

  test('a folder that is gone from the server has not become empty, and one that never was there is', async () => {
    await using store = open({ path: `${server.path}/unmounted` });
    assert.deepEqual(await Array.fromAsync(store.list('locks/')), []);
    await store.put('locks/a', bytes);
    const folder = join(server.folder, 'unmounted');
    await using other = open({ path: `${server.path}/unmounted` });
    await other.get('locks/a');
    renameSync(folder, `${folder}-away`);
    for (const one of [store, other])
      for (const prefix of ['locks/', ''])
        await assert.rejects(Array.fromAsync(one.list(prefix)), { code: 'STORE_UNREACHABLE' });
    renameSync(`${folder}-away`, folder);
    assert.deepEqual(await Array.fromAsync(other.list('snapshots/')), []);
  });

  test('links to other folders are followed, and those that lead round are refused', async () => {
    await using store = open({ path: `${server.path}/round` });
    await store.put('a/object', bytes);
    const folder = join(server.folder, 'round');
    mkdirSync(join(server.folder, 'disk'));
    writeFileSync(join(server.folder, 'disk', 'object'), bytes);
    for (const name of ['b', 'c']) symlinkSync('../disk', join(folder, name));
    const keys = await Array.fromAsync(store.list(''), ({ key }) => key);
    assert.deepEqual(keys.toSorted(), ['a/object', 'b/object', 'c/object']);
    for (const name of ['one', 'another']) symlinkSync('.', join(folder, 'a', name));
    await assert.rejects(Array.fromAsync(store.list('')), { code: 'STORE_DENIED', message: /above it/ });
    symlinkSync('../round', join(server.folder, 'disk', 'back'));
    await assert.rejects(Array.fromAsync(store.list('b')), { code: 'STORE_DENIED', message: /above it/ });
  });

  test('a server that ends the connection is connected to again', async () => {
    await using store = open();
    await store.put('a', bytes);
    const reading = store.get('a', { offset: 0, length: 1 });
    server.disconnectAll();
    await reading.catch((error: unknown) => assert.ok(hasCode(error, 'STORE_UNREACHABLE'), String(error)));
    await store.get('a').catch(() => store.get('a')); // the first may still meet the dead connection
  });

  test('a distant server is kept busy: many pieces are on their way before the first is answered', async () => {
    await using line = await slowLine(server.port, 0);
    const knownHosts = join(temporaryFolder('sftp'), 'known_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${line.port} ${server.hostKey}\n`);
    await using store = open({ port: line.port, knownHosts });
    await store.put('warm', bytes);
    const pack = sampleBytes(16 * 1024 * 1024, 'pack');
    const largestPieceBytes = 254 * 1024;
    await Promise.all([line.answerAfter(6 * largestPieceBytes), store.put('one', pack)]);
    const [, got] = await Promise.all([line.answerAfter(6 * largestPieceBytes), store.get('one')]);
    assert.ok(Buffer.from(got).equals(pack));
  });

  test('a small object is read back while it is stored; one that is larger, or told of by checksum, is not', async () => {
    const compared = (store: Store, key: string, content: Uint8Array) =>
      comparedPutsOf(store)?.putCompared(key, content);
    await using store = open({ path: `${server.path}/compared` });
    assert.equal(await compared(store, 'folder/small', bytes), true);
    assert.ok(bytes.equals(await store.get('folder/small')));
    const large = sampleBytes(1_000_000, 'large');
    assert.equal(await compared(store, 'large', large), false);
    assert.deepEqual(Buffer.from(await store.get('large')), Buffer.from(large));
    assert.equal(await compared(store, 'empty', Buffer.alloc(0)), false);
    const names = readdirSync(join(server.folder, 'compared'));
    assert.deepEqual(names.toSorted(), ['empty', 'folder', 'large']);
    await using withShell = await startSshd({ shell: true });
    const { port, user, path, key: privateKey, knownHosts } = withShell;
    await using told = open({ port, user, path, privateKey, knownHosts });
    assert.equal(await compared(told, 'small', bytes), false);
    assert.ok(bytes.equals(await told.get('small')));
  });

  test('new keys in the middle of many transfers change nothing', async () => {
    await using other = await startSshd({ rekeyLimit: '1M' });
    const { port, knownHosts, key: privateKey } = other;
    await using store = open({ port, knownHosts, privateKey });
    const sizes = [3_000_000, 1, 70_000, 0, 5_000_001, 262_144];
    await Promise.all(sizes.map((size) => store.put(`of ${size}`, sampleBytes(size, String(size)))));
    await Promise.all(
      sizes.map(async (size) =>
        assert.ok(Buffer.from(sampleBytes(size, String(size))).equals(await store.get(`of ${size}`))),
      ),
    );
  });

  for (const version of ['old', 'new'] as const)
    test(`the ${version} restic reads the same folder`, { skip: skipWithoutRestic() ?? false }, async () => {
      const binary = (await resticBinaries())[version];
      const folder = temporaryFolder('sftp');
      writeFileSync(join(folder, 'file'), 'kept');
      const { port, key, knownHosts, user, host } = server;
      const ssh = `ssh -p ${port} -i ${key} -o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes ${user}@${host} -s sftp`;
      const path = `${server.path}/restic-${version}`;
      const options = { repository: `sftp:${user}@${host}:${path}` };
      const restic = (...args: readonly string[]) =>
        runRestic(binary, ['-o', `sftp.command=${ssh}`, ...args], options);
      await restic('init');
      await restic('backup', folder);
      await using store = open({ path });
      const config = await store.get('config');
      await store.delete('config');
      await store.put('config', config);
      assert.ok((await Array.fromAsync(store.list('data/'))).length >= 2);
      await restic('check', '--read-data');
    });

  test('objects lie as restic’s sftp backend has them: read-only files of the user', async () => {
    await using store = open({ path: `${server.path}/modes` });
    await store.put('data/ab/abcd', bytes);
    assert.deepEqual(readdirSync(join(server.folder, 'modes/data/ab')), ['abcd']);
    const mode = execFileSync('stat', ['-c', '%a %U', join(server.folder, 'modes/data/ab/abcd')], {
      encoding: 'utf8',
    });
    assert.equal(mode, '400 backup\n');
  });
});
