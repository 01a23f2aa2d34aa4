import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { skipWithout } from '../../../test/servers/programs.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import {
  fingerprint,
  judgeHostKey,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';

const keyOf = (type: string, fill: number): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(type.length);
  return Buffer.concat([head, Buffer.from(type), Buffer.alloc(32, fill)]);
};
const ours = keyOf('ssh-ed25519', 1);
const theirs = keyOf('ssh-ed25519', 2);
const rsa = keyOf('ssh-rsa', 3);
const line = (hosts: string, key = ours): string => knownHostLine(hosts, key);
const judge = (file: string, name: string, key = ours) => judgeHostKey(parseKnownHosts(file), name, key);

test('a host is known by its key and nobody else’s', () => {
  assert.equal(judge(line('vault'), 'vault'), 'known');
  assert.equal(judge(line('vault'), 'other'), 'unknown');
  assert.equal(judge(line('vault', theirs), 'vault'), 'other');
  assert.equal(judge(`${line('vault', theirs)}\n${line('vault')}`, 'vault'), 'known');
  assert.equal(judge('', 'vault'), 'unknown');
});

test('a host with another port is another host', () => {
  assert.equal(knownHostName('vault', 22), 'vault');
  assert.equal(knownHostName('vault', 2222), '[vault]:2222');
  assert.equal(judge(line('vault'), '[vault]:2222'), 'unknown');
  assert.equal(judge(line('[vault]:2222'), '[vault]:2222'), 'known');
});

test('patterns, lists, exceptions and letter case count as ssh counts them', () => {
  assert.equal(judge(line('*.example.net'), 'vault.example.net'), 'known');
  assert.equal(judge(line('vaul?'), 'VAULT'), 'known');
  assert.equal(judge(line('a,vault,b'), 'vault'), 'known');
  assert.equal(judge(line('*,!vault'), 'vault'), 'unknown');
  assert.equal(judge(line('[10.0.0.?]:2222'), '[10.0.0.7]:2222'), 'known');
  assert.equal(judge(line('v.ult'), 'vault'), 'unknown');
});

test('a revoked key is refused although another line knows it', () => {
  const file = `${line('vault')}\n@revoked ${line('*')}`;
  assert.equal(judge(file, 'vault'), 'revoked');
  assert.equal(judge(file, 'vault', theirs), 'other');
});

test('an authority for certificates makes no host known', () => {
  assert.equal(judge(`@cert-authority ${line('*')}`, 'vault'), 'unknown');
});

test('comments, empty and broken lines are skipped', () => {
  const file = `# vault\n\n  \nvault\nvault ssh-ed25519\n@strange ${line('vault')}\n\t${line('vault')} a comment\r\n`;
  assert.equal(parseKnownHosts(file).length, 1);
  assert.equal(judge(file, 'vault'), 'known');
});

test('a server is asked for the kinds of key it is known by', () => {
  const file = `${line('vault', rsa)}\n@revoked ${line('vault', theirs)}`;
  assert.deepEqual(knownKeyTypes(parseKnownHosts(file), 'vault'), ['ssh-rsa']);
});

suite('beside OpenSSH', { skip: skipWithout('sshd') ?? false }, () => {
  test('hashed names and fingerprints are those of ssh-keygen', () => {
    const folder = temporaryFolder('known-hosts');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')]);
    const [type, key] = readFileSync(join(folder, 'key.pub'), 'utf8').split(' ') as [string, string];
    const file = join(folder, 'known_hosts');
    writeFileSync(file, `[vault.example.net]:2222 ${type} ${key}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const hashed = readFileSync(file, 'utf8');
    assert.match(hashed, /^\|1\|/);
    const bytes = Buffer.from(key, 'base64');
    assert.equal(judge(hashed, '[vault.example.net]:2222', bytes), 'known');
    assert.equal(judge(hashed, 'vault.example.net', bytes), 'unknown');
    const shown = execFileSync('ssh-keygen', ['-l', '-f', join(folder, 'key.pub')], { encoding: 'utf8' });
    assert.ok(shown.includes(fingerprint(bytes)), shown);
  });
});
