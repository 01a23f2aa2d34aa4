import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { findProgram } from '../../../test/servers/programs.ts';
import { type SshdOptions, type SshServer, skipWithoutSshd, startSshd } from '../../../test/servers/sshd.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type ChecksumAlgorithm, checksumsOf, type Store } from '../store.ts';
import { sftp } from './sftp.ts';
import { openSftpStore } from './sftp-store.ts';

const signal = new AbortController().signal;
const algorithms = ['md5', 'sha1', 'sha256', 'sha512'] as const;

const open = (server: SshServer, over: Record<string, unknown> = {}): Store => {
  const { host, port, user, key: privateKey, knownHosts } = server;
  const path = `${server.path}/store`;
  const settings = { host, port, user, path, privateKey, knownHosts, sshConfig: 'none', ...over };
  return openSftpStore(sftp.config.parse(settings), { log: silentLog });
};

const asked = async (store: Store, key: string, ...wanted: ChecksumAlgorithm[]) =>
  await checksumsOf(store)?.checksum(key, { algorithms: wanted, sizeBytes: 100, signal });

const digest = (algorithm: string, content: string): string =>
  createHash(algorithm).update(content).digest('hex');

/** A folder of commands: those of the machine with these names, and scripts. */
const commands = (names: readonly string[], scripts: Readonly<Record<string, string>> = {}): string => {
  const folder = temporaryFolder('commands');
  for (const name of names) symlinkSync(findProgram(name) ?? `/bin/${name}`, join(folder, name));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
};

const onServer = async (options: SshdOptions, work: (store: Store, server: SshServer) => Promise<void>) => {
  await using server = await startSshd(options);
  await using store = open(server);
  await store.put('a', Buffer.from('content of a'));
  await work(store, server);
};

suite('checksums over ssh', { skip: skipWithoutSshd() ?? false }, () => {
  let server: SshServer;
  before(async () => {
    server = await startSshd({ shell: true });
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  test('an account with a shell tells all four kinds, whatever the names of files', async () => {
    await using store = open(server);
    const names = ['a', "it's", 'two\nlines', '-r', '\\back', 'ü/é "q"', '$(id)`id`;', '*', ' '];
    for (const name of names) await store.put(name, Buffer.from(`content of ${name}`));
    await Promise.all(
      names.flatMap((name) =>
        algorithms.map(async (algorithm) =>
          assert.deepEqual(await asked(store, name, algorithm), {
            algorithm,
            value: digest(algorithm, `content of ${name}`),
          }),
        ),
      ),
    );
    assert.deepEqual(
      readdirSync(join(server.folder, 'store')).filter((name) => name.includes('-tmp-')),
      [],
    );
  });

  test('the first kind that was asked for is told, and nothing of a file that is not there', async () => {
    await using store = open(server);
    await store.put('b', Buffer.from('b'));
    assert.equal((await asked(store, 'b', 'sha512', 'md5'))?.algorithm, 'sha512');
    const answers = await Promise.all(['b', 'none', 'b'].map((key) => asked(store, key, 'md5')));
    assert.deepEqual(
      answers.map((answer) => answer?.value),
      [digest('md5', 'b'), undefined, digest('md5', 'b')],
    );
  });

  test('who cancels does not wait for the program, and who asks afterwards does without', async () => {
    const slow = { sha256sum: 'case "$1" in *-tmp-*) exec /usr/bin/sha256sum "$@";; *) sleep 100;; esac' };
    await onServer({ shell: true, commandPath: commands(['sh', 'sleep'], slow) }, async (store) => {
      const abort = new AbortController();
      assert.ok(await asked(store, 'a', 'md5').then((answer) => answer === undefined));
      const waiting = checksumsOf(store)?.checksum('a', {
        ...{ algorithms: ['sha256'], sizeBytes: 1, signal: abort.signal },
      });
      setImmediate(() => abort.abort());
      assert.equal(await waiting, undefined);
      assert.equal(await asked(store, 'a', 'sha256'), undefined);
    });
  });

  test('an account that may do nothing but SFTP tells none, nor does one whose shell sees other files', async () => {
    await onServer({}, async (store) => assert.equal(await asked(store, 'a', ...algorithms), undefined));
    const other = temporaryFolder('other');
    const serve = `exec unshare -m sh -c 'mount --bind ${other} /srv && exec /usr/lib/openssh/sftp-server'`;
    const sftpCommand = join(commands([], { serve }), 'serve');
    await using elsewhere = await startSshd({ shell: true, sftpCommand });
    await using store = open(elsewhere, { path: '/srv/store' });
    await store.put('a', Buffer.from('a'));
    assert.deepEqual(readdirSync(join(other, 'store')), ['a']);
    assert.equal(await asked(store, 'a', ...algorithms), undefined);
  });

  test('nothing is run where that is forbidden', async () => {
    await using store = open(server, { commands: 'none' });
    assert.equal(checksumsOf(store), undefined);
  });

  test('the programs of BSD and macOS will do', {
    skip: findProgram('shasum') ? false : 'needs shasum',
  }, async () => {
    const md5 = { md5: '[ "$1" = -r ] && shift && exec /usr/bin/md5sum "$@"' };
    const commandPath = commands(['sh', 'perl', 'shasum'], md5);
    await onServer({ shell: true, commandPath }, async (store) => {
      for (const algorithm of algorithms)
        assert.equal((await asked(store, 'a', algorithm))?.value, digest(algorithm, 'content of a'));
    });
  });

  test('a shell that prints when it starts is understood', async () => {
    const sh = 'echo welcome; echo; exec /bin/sh "$@"';
    const commandPath = commands(['md5sum'], { sh });
    await onServer({ shell: true, commandPath }, async (store) =>
      assert.equal((await asked(store, 'a', 'md5'))?.value, digest('md5', 'content of a')),
    );
  });

  test('after the connection broke it is found out anew', async () => {
    await using store = open(server);
    await store.put('a', Buffer.from('a'));
    assert.ok(await asked(store, 'a', 'md5'));
    server.disconnectAll();
    await store.get('a').catch(() => {}); // it may meet the dead connection
    assert.equal((await asked(store, 'a', 'md5'))?.value, digest('md5', 'a'));
  });
});
