import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { describeHost, jumpQuestion, jumpsOf, parseSettings } from './ssh-host.ts';

const describe = (...lines: string[]) => describeHost(parseSettings(lines.join('\n')), { host: 'alias' });

test('what ssh says of a host is taken over', () => {
  const host = describe(
    'user backup',
    'hostname vault.example.net',
    'port 2222',
    'identityfile ~/.ssh/id_%h',
    'identityfile "/keys/with space"',
    'userknownhostsfile /a /b',
    'globalknownhostsfile /c',
    'identityagent none',
    'proxyjump gate,inner:2200',
    'stricthostkeychecking accept-new',
    'hostkeyalias vault',
  );
  assert.deepEqual(host, {
    hostname: 'vault.example.net',
    user: 'backup',
    port: 2222,
    hostKeyAlias: 'vault',
    identityFiles: [`${homedir()}/.ssh/id_vault.example.net`, '/keys/with space'],
    knownHostsFiles: ['/a', '/b', '/c'],
    agent: undefined,
    jumps: ['gate', 'inner:2200'],
    acceptsNew: true,
  });
});

test('without an ssh program a host is what an empty configuration makes of it', () => {
  const host = describeHost(new Map(), { host: 'vault', user: 'backup', port: 2222 });
  assert.equal(host.hostname, 'vault');
  assert.equal(host.user, 'backup');
  assert.equal(host.port, 2222);
  assert.equal(host.acceptsNew, false);
  assert.ok(host.identityFiles.includes(`${homedir()}/.ssh/id_ed25519`));
});

test('a command as the way to a host is refused, not ignored', () => {
  assert.throws(() => describe('proxycommand nc %h %p'), { code: 'CONFIG_INVALID' });
  assert.equal(describe('proxycommand none').port, 22);
});

test('servers to go through are written as for ssh -J', () => {
  assert.deepEqual(jumpsOf('a@b:1, c'), ['a@b:1', 'c']);
  assert.deepEqual(jumpsOf('none'), []);
  assert.deepEqual(jumpQuestion('a@b:1', undefined), { user: 'a', host: 'b', port: 1, sshConfig: undefined });
  assert.deepEqual(jumpQuestion('[::1]:1', 'none'), { host: '::1', port: 1, sshConfig: 'none' });
  assert.deepEqual(jumpQuestion('ssh://a@b:1', undefined).port, 1);
  for (const wrong of ['', '-oX', 'a:b:c'])
    assert.throws(() => jumpQuestion(wrong, undefined), { code: 'CONFIG_INVALID' });
});

const skip = process.getuid?.() === 0 ? false : 'needs root to become a user without a name';

test('a user who has a number and no name can do without ssh’s configuration', { skip }, () => {
  const script = `import { lookUpHost } from '#stores/sftp/ssh-host.ts';
process.setuid(54321);
const { hostname, user, port } = await lookUpHost({ host: 'vault', sshConfig: 'none' });
console.log(hostname, user, port);`;
  const args = ['--input-type=module', '-e', script];
  assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), 'vault 54321 22\n');
});
