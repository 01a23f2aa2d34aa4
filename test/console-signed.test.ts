// A console that believes its sites alone, whatever lies in the store: through the command line alone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { before, test } from 'node:test';
import { decrypt, encrypt } from '../src/archive/encryption.ts';
import { holdfast } from '../src/cli/testing.ts';
import { bulletinKey } from '../src/jobs/console/place.ts';
import { program } from './servers/programs.ts';
import { skipWithoutSshd } from './servers/sshd.ts';
import { jsonLines } from './tools/cli.ts';
import { consoleFolder } from './tools/console.ts';

const { at, run, write, bulletinsOf, newestOf, plant } = consoleFolder('signed');

/** The public keys of consoles and sites, by the names of their files. */
const keys: Record<string, string> = {};
const newKey = async (command: 'sites' | 'bulletin', name: string): Promise<void> => {
  const made = await holdfast([command, '--new-key', at(`${name}.key`)]);
  assert.deepEqual([made.status, made.stderr], [0, '']);
  keys[name] = made.stdout.trim();
};

const site = (name: string, bulletins: object = { key: { file: at(`${name}.key`) } }): void =>
  write(name, { site: name, bulletins: { to: at('bulletins'), for: keys.console, ...bulletins } });
const withSites = (sites: object | undefined, more: object = {}): void =>
  write('console', {
    console: { bulletins: at('bulletins'), identity: { file: at('console.key') }, sites, ...more },
  });
const bothSites = () => ({ north: keys.north, south: [keys.south] });
const tell = async (who: string): Promise<void> => {
  const { status, stderr } = await run(who, 'bulletin');
  assert.deepEqual([status, stderr], [0, '']);
};

before(async () => {
  mkdirSync(at('bulletins'));
  for (const name of ['console', 'other-console']) await newKey('sites', name);
  for (const name of ['north', 'south', 'new']) await newKey('bulletin', name);
  for (const name of ['north', 'south']) {
    site(name);
    await tell(name);
  }
  withSites(bothSites());
});

const assertWell = async (): Promise<void> => {
  const { status, stdout, stderr } = await run('console', 'sites');
  assert.deepEqual([status, stderr], [0, ''], stdout);
};

/** Why north is not to be relied on, while south is. */
const flawOfNorth = async (): Promise<string> => {
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1, stdout);
  assert.match(stdout, /^north .* NOT TO BE RELIED ON$/m);
  assert.match(stdout, /^south .* well$/m);
  const [, flaw = ''] = /^north: its bulletin of [-\d: ]+: (.*)$/m.exec(stdout) ?? assert.fail(stdout);
  return flaw;
};

test('a key of a site is made once, for its owner only, and its public half can be had again', async () => {
  assert.match(keys.north ?? '', /^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
  assert.equal(statSync(at('north.key')).mode & 0o777, 0o600);
  const content = readFileSync(at('north.key'), 'utf8');
  assert.match(content, /^-----BEGIN PRIVATE KEY-----\n/);
  assert.equal((await holdfast(['bulletin', '--new-key', at('north.key')])).status, 15);
  assert.equal(readFileSync(at('north.key'), 'utf8'), content);
  assert.equal((await run('north', 'bulletin --public-key')).stdout, `${keys.north}\n`);
  const [line] = jsonLines((await run('north', 'bulletin --public-key --json')).stdout);
  assert.deepEqual(line, { message_type: 'public_key', public_key: keys.north });
  assert.equal((await run('north', `bulletin --public-key --new-key ${at('x.key')}`)).status, 2);
  site('keyless', {});
  const without = await run('keyless', 'bulletin --public-key');
  assert.deepEqual([without.status, /has no "key" in "bulletins"/.test(without.stderr)], [2, true]);
});

test('a key or a page that is to lie in a folder that is not there is refused with the name of the folder', async () => {
  const file = at('absent', 'x');
  for (const line of [
    ...['bulletin', 'order', 'sites'].map((command) => `${command} --new-key`),
    'sites --html',
  ]) {
    const { status, stderr } = await run('console', `${line} ${file}`);
    assert.deepEqual([status, stderr.includes('ENOENT')], [1, false], stderr);
    assert.match(stderr, /cannot write .*: there is no folder .*absent\n.*its folder must be there/, line);
  }
});

test('OpenSSH reads the public key', { skip: skipWithoutSshd() ?? false }, () => {
  writeFileSync(at('north.pub'), `${keys.north}\n`);
  const shown = execFileSync(program('ssh-keygen'), ['-l', '-f', at('north.pub')], { encoding: 'utf8' });
  assert.match(shown, /^256 SHA256:.*\(ED25519\)$/m);
});

test('sites whose own bulletins lie there are well, and each is said to be signed', async () => {
  await assertWell();
  assert.match((await run('console', 'sites north')).stdout, /^north, told just now by .*, signed$/m);
  const [line] = jsonLines((await run('console', 'sites north --json')).stdout);
  assert.deepEqual([line?.state, line?.signature], ['well', 'good']);
  await run('console', `sites --html ${at('sites.html')}`);
  assert.match(readFileSync(at('sites.html'), 'utf8'), /with Holdfast \S+, signed\.<\/p>/);
  assert.match((await run('console', 'config show')).stdout, /north:\n? +- ssh-ed25519 AAAA/);
});

test('a bulletin without a signature, old or new, is not relied on where the console has a key', async () => {
  site('north', {});
  await tell('north');
  assert.match(await flawOfNorth(), /^it is not signed, and the console has a key of its site: /);
  const monitor = await run('console', 'sites --nagios');
  assert.equal(monitor.status, 2);
  assert.match(monitor.stdout, /^HOLDFAST CRITICAL - north: .*it is not signed/);
  withSites({ ...bothSites(), north: 'unsigned' });
  await assertWell();
  withSites(bothSites());
  site('north');
  await tell('north');
  await assertWell();
});

test('a bulletin that another site signed in the name of this one is not relied on', async () => {
  write('thief', {
    site: 'north',
    bulletins: { to: at('bulletins'), for: keys.console, key: { file: at('south.key') } },
  });
  await tell('thief');
  assert.match(await flawOfNorth(), /^its signature is not of its site: /);
  await tell('north');
  await assertWell();
});

const sealed = async (text: Uint8Array, recipient: string | undefined): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(encrypt(once(text), [recipient ?? ''])));
const unsealed = async (path: string, key: string): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(decrypt(once(readFileSync(path)), readFileSync(at(key), 'utf8'))));
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test('a genuine bulletin that was opened, changed and sealed again is not relied on', async () => {
  await tell('north');
  const place = `north/${bulletinsOf('north').at(-1)}`;
  const genuine = readFileSync(at('bulletins', place));
  const text = await unsealed(at('bulletins', place), 'console.key');
  const inSignature = text.indexOf('\ned25519 ') + 20;
  const flip = (offset: number): Buffer => {
    const changed = Buffer.from(text);
    changed.writeUInt8(changed.readUInt8(offset) ^ 1, offset);
    return changed;
  };
  const changes: readonly (readonly [changed: Uint8Array, why: RegExp])[] = [
    [flip(text.indexOf('"host":"') + 9), /^its signature is not of its site/],
    [flip(inSignature), /^its signature is /],
    [text.subarray(0, -10), /^its signature is cut short/],
    [text.subarray(0, inSignature), /^its signature is cut short/],
    [text.subarray(0, text.indexOf('\n')), /^it is not signed/],
    [Buffer.from(text.toString().replace('ed25519', 'none')), /none that this version understands/],
  ];
  for (const [changed, why] of changes) {
    writeFileSync(at('bulletins', place), await sealed(changed, keys.console));
    assert.match(await flawOfNorth(), why);
  }
  writeFileSync(at('bulletins', place), genuine);
  await assertWell();
});

test('what a site told another console cannot be told to this one by its operator', async () => {
  site('north', { key: { file: at('north.key') }, for: keys['other-console'] });
  await tell('north');
  const path = newestOf('north');
  writeFileSync(path, await sealed(await unsealed(path, 'other-console.key'), keys.console));
  assert.match(await flawOfNorth(), /^its site made it for another console, /);
  site('north', { key: { file: at('north.key') }, for: [keys['other-console'], keys.console] });
  await tell('north');
  await assertWell();
  site('north');
});

test('an older bulletin does not pass for a newer one', async () => {
  const old = readFileSync(newestOf('north'));
  await tell('north');
  await assertWell();
  plant(bulletinKey('north', new Date()), old);
  assert.match(await flawOfNorth(), /^it was made at another time than its name says$/);
});

test('of a site of which no key is known, signed bulletins are shown as others are', async () => {
  withSites(['north', 'south']);
  await assertWell();
  assert.match(
    (await run('console', 'sites north')).stdout,
    /^north, told .*, signed with a key that `console\.sites` does not have$/m,
  );
  withSites({ ...bothSites(), north: 'unsigned' });
  const [line] = jsonLines((await run('console', 'sites north --json')).stdout);
  assert.deepEqual([line?.state, line?.signature], ['well', 'unchecked']);
  withSites(bothSites());
});

test('while a key is changed the console takes both, and afterwards the new one alone', async () => {
  withSites({ ...bothSites(), north: [keys.new, keys.north] });
  await tell('north');
  await assertWell();
  site('north', { key: { file: at('new.key') } });
  await tell('north');
  await assertWell();
  withSites({ ...bothSites(), north: keys.new });
  await assertWell();
  site('north');
  await tell('north');
  assert.match(
    await flawOfNorth(),
    /^its signature is not of its site: it is forged, or the site has a new key$/,
  );
  withSites(bothSites());
  await assertWell();
});

test('who removes the newest signed bulletin is noticed, though the one before it is genuine', async () => {
  await tell('north');
  await assertWell();
  renameSync(newestOf('north'), at('taken'));
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^north .* NOT TO BE RELIED ON$/m);
  assert.match(stdout, /^north: told something of .* that is no longer there: somebody has removed it$/m);
  await tell('north');
  await assertWell();
});

test('what cannot sign is a warning of the run, a trouble of the site, and said by the doctor', async () => {
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8);
  writeFileSync(at('wrong.key'), rsa, { mode: 0o600 });
  const told = bulletinsOf('north');
  for (const [key, why] of [
    [{ file: at('wrong.key') }, /the signing key is of type rsa\nhint: it must be of type Ed25519, /],
    [{ file: at('console.key') }, /the signing key is no whole private key/],
    [{ file: at('nothing.key') }, /cannot read the secret in .*nothing\.key/],
  ] as const) {
    site('north', { key });
    const { status, stderr } = await run('north', 'bulletin');
    assert.deepEqual([status, why.test(stderr)], [2, true], stderr);
    assert.doesNotMatch(stderr, /AGE-SECRET|BEGIN/);
    assert.equal((await run('north', 'bulletin --public-key')).status, 2);
  }
  assert.deepEqual(bulletinsOf('north'), told, 'nothing is told unsigned instead');
  assert.match((await run('north', 'status')).stdout, /^console: since .*nothing\.key/m);
  assert.match((await run('north', 'doctor')).stdout, /^warning +bulletins +cannot read the secret/m);
  site('north');
  assert.match(
    (await run('north', 'doctor')).stdout,
    new RegExp(`^ok +bulletins +are signed with the key of ${keys.north?.replaceAll('+', '\\+')}$`, 'm'),
  );
});

test('a key that others can read signs, with a warning, and is shown to nobody', async () => {
  copyFileSync(at('north.key'), at('open.key'));
  chmodSync(at('open.key'), 0o644);
  site('north', { key: { file: at('open.key') } });
  const { status, stderr } = await run('north', 'bulletin');
  assert.equal(status, 0);
  assert.match(stderr, /open\.key holds a secret and is open to other users \(mode 0644\): chmod 600 /);
  await assertWell();
  const pem = readFileSync(at('north.key'), 'utf8');
  site('north', { key: pem });
  await tell('north');
  await assertWell();
  for (const line of ['config show', 'bulletin --show', 'doctor'])
    assert.ok(!(await run('north', line)).stdout.includes(pem.split('\n')[1] ?? pem), line);
  site('north');
});
