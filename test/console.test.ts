// Many sites seen from one place, none of which can read another: through the command line alone.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { S3 } from '@aws-sdk/client-s3';
import { encrypt } from '../src/archive/encryption.ts';
import { holdfast } from '../src/cli/testing.ts';
import { bulletinKey } from '../src/jobs/console/place.ts';
import type { Clock } from '../src/lib/clock.ts';
import { startCeph } from './servers/ceph.ts';
import { startHttp } from './servers/http.ts';
import { skipWithout } from './servers/programs.ts';
import { skipWithoutSshd } from './servers/sshd.ts';
import { jsonLines, startCli } from './tools/cli.ts';
import { consoleFolder, later } from './tools/console.ts';
import { makeRepository } from './tools/repository.ts';
import { startAccountOfData, startWithoutRemoval } from './tools/sftp-sites.ts';

const { at, envOf, run, write, bulletinsOf, newestOf, plant, forged } = consoleFolder('console');

let recipient: string;
const siteConfig = (site: string, source: object) => ({
  site,
  repositories: { nearby: { store: at(site, 'store'), password: 'correct-horse' } },
  sources: { data: source },
  jobs: { nightly: { backup: ['data'], to: ['nearby'] } },
  bulletins: { to: at('bulletins'), for: recipient },
});
const northConfig = () => siteConfig('north', { kind: 'files', path: at('files') });
const consoleConfig = () => ({
  bulletins: at('bulletins'),
  identity: { file: at('console.key') },
  sites: ['north', 'south'],
});

before(async () => {
  const made = await holdfast(['sites', '--new-key', at('console.key')]);
  assert.equal(made.status, 0);
  recipient = made.stdout.trim();
  write('console', { console: consoleConfig() });
  mkdirSync(at('files'));
  writeFileSync(at('files', 'a.txt'), 'a file');
  write('north', northConfig());
  write('south', siteConfig('south', { kind: 'sqlite', path: at('shop.db') }));
  using database = new DatabaseSync(at('shop.db'));
  database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  for (const site of ['north', 'south']) await makeRepository(at(site, 'store'), 'correct-horse');
});

/** One of the site "evil", sealed for this console as anybody can who knows its public key. */
const forge = async (site: string, text: string, name = bulletinKey(site, new Date())): Promise<void> => {
  const bytes = (async function* () {
    yield Buffer.from(text);
  })();
  plant(name, Buffer.concat(await Array.fromAsync(encrypt(bytes, [recipient]))));
};

test('a key is made once, for its owner only, and its public half is printed', async () => {
  assert.match(recipient, /^age1[0-9a-z]{58}$/);
  assert.equal(statSync(at('console.key')).mode & 0o777, 0o600);
  assert.match(readFileSync(at('console.key'), 'utf8'), /^AGE-SECRET-KEY-1/m);
  assert.equal((await holdfast(['sites', '--new-key', at('console.key')])).status, 15);
});

test('sites that there must be are missed until they have told something', async () => {
  mkdirSync(at('bulletins'));
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^north +MISSING$/m);
  assert.match(stdout, /^south: has never told anything$/m);
  assert.equal((await run('console', 'sites nort')).status, 2);
});

test('each run tells how its site stands, and the console shows all of them', async () => {
  for (const site of ['north', 'south']) {
    const { status, stderr } = await run(site, 'run nightly');
    assert.deepEqual([status, stderr], [0, '']);
  }
  const { status, stdout, stderr } = await run('console', 'sites');
  assert.equal(stderr, '');
  assert.match(stdout, /^north +just now +\S+ +\S+ +1 job +data, just now +well$/m);
  assert.match(stdout, /^south .* well$/m);
  assert.match(stdout, /all is well\n$/);
  assert.equal(status, 0);
  const monitor = await run('console', 'sites --nagios');
  assert.deepEqual([monitor.status, monitor.stdout], [0, 'HOLDFAST OK - 2 sites\n']);
});

test('whoever watches over the sites is told when one is silent, and when it tells again', async () => {
  await using web = await startHttp();
  const notifiers = { ops: { kind: 'webhook', url: web.url } };
  write('console', {
    notifiers,
    console: { ...consoleConfig(), sites: ['north', 'south'], notify: ['ops'] },
  });
  const told = async (clock?: Clock): Promise<string[]> => {
    const { status, stderr } = await run('console', 'notify due', clock);
    assert.deepEqual([status, stderr], [0, '']);
    return web.requests.splice(0).map(({ body }) => JSON.parse(body).title);
  };
  assert.deepEqual(await told(), []);
  const silent = await told(later(30));
  assert.equal(silent.length, 2);
  assert.match(silent[0] ?? '', /^site north is in trouble: is silent: what it told last is of 30 h ago$/);
  assert.deepEqual(await told(later(31)), [], 'it has been told');
  assert.match((await told(later(43)))[1] ?? '', /^site south is still in trouble, since /);
  const again = await told();
  assert.match(again[0] ?? '', /^site north is well again/);
  assert.equal(again.length, 2);
  renameSync(at('bulletins'), at('away'));
  writeFileSync(at('bulletins'), 'no folder');
  assert.match((await told())[0] ?? '', /^the console of the sites is in trouble: /);
  rmSync(at('bulletins'));
  renameSync(at('away'), at('bulletins'));
  assert.match((await told())[0] ?? '', /^the console of the sites is well again/);
  write('console', { console: consoleConfig() });
});

test('what a site told is shown as `status` shows it there, and nothing of it can be read in the store', async () => {
  const there = (await run('south', 'status')).stdout.split('\n');
  const { status, stdout } = await run('console', 'sites south');
  assert.match(stdout, /^south, told just now by \S+ with Holdfast \d/);
  for (const line of there.filter((one) => /^(nightly|data) /.test(one)))
    assert.ok(stdout.includes(line), line);
  assert.equal(status, 0);
  const lines = jsonLines((await run('console', 'sites south --json')).stdout);
  assert.deepEqual(
    lines.map(({ message_type }) => message_type),
    ['site', 'job', 'source', 'repository', 'summary'],
  );
  assert.deepEqual([lines[0]?.site, lines[0]?.state, lines[0]?.flaws], ['south', 'well', []]);
  for (const name of bulletinsOf('south')) {
    const bytes = readFileSync(at('bulletins', 'south', name), 'latin1');
    assert.match(bytes, /^age-encryption\.org\/v1\n/);
    assert.doesNotMatch(bytes, /nightly|nearby|orders/);
  }
});

test('that sources and whole restore points were proven is shown as `status` shows it there', async () => {
  for (const line of ['drill nightly --point', 'bulletin'])
    assert.equal((await run('north', line)).status, 0, line);
  const { stdout } = await run('console', 'sites north');
  assert.match(stdout, /^data: proven just now, restored in /m);
  assert.match(stdout, /^restore points of nightly: proven as a whole just now \(1 source\)$/m);
  const lines = jsonLines((await run('console', 'sites north --json')).stdout);
  const proof = lines.find(({ message_type }) => message_type === 'point_proof');
  assert.deepEqual([proof?.job, proof?.repository], ['nightly', 'nearby']);
});

test('what would be told can be seen, and holds no secret and no data', async () => {
  const { status, stdout } = await run('south', 'bulletin --show');
  assert.equal(status, 0);
  const told = JSON.parse(stdout);
  const always = ['format', 'site', 'at', 'version', 'host', 'for', 'health', 'proofs', 'points'];
  assert.deepEqual(Object.keys(told), always);
  assert.equal(told.health.sources[0].state, 'ok');
  assert.doesNotMatch(stdout, /correct-horse|orders|shop\.db/);
});

test('of each site the newest few stay', async () => {
  for (let hour = 1; hour <= 6; hour += 1)
    assert.equal((await run('north', 'bulletin', later(hour - 8))).status, 0);
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal(bulletinsOf('north').length, 5);
});

test('a site that is not well says so, and the console repeats it', async () => {
  renameSync(at('shop.db'), at('away.db'));
  assert.notEqual((await run('south', 'run nightly')).status, 0);
  renameSync(at('away.db'), at('shop.db'));
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^south .* 1 of 1 not well .* NOT WELL$/m);
  assert.match(stdout, /^south: job nightly: failed$/m);
  assert.match(stdout, /^north .* well$/m);
  assert.match(stdout, /^1 of 2 sites not well$/m);
  assert.equal((await run('console', 'sites north')).status, 0);
  const monitor = await run('console', 'sites --nagios');
  assert.deepEqual([monitor.status, monitor.stdout], [2, 'HOLDFAST CRITICAL - south: job nightly: failed\n']);
  assert.equal((await run('south', 'run nightly')).status, 0);
});

test('a site that tells nothing more is silent', async () => {
  const { status, stdout } = await run('console', 'sites', later(27));
  assert.equal(status, 1);
  assert.match(stdout, /^north .* SILENT$/m);
  assert.match(stdout, /^south: is silent: what it told last is of 27 h ago$/m);
  assert.equal((await run('console', 'sites', later(25))).status, 0);
  write('console', { console: { ...consoleConfig(), silentAfter: '2h' } });
  assert.equal((await run('console', 'sites', later(3))).status, 1);
  write('console', { console: consoleConfig() });
});

test('a bulletin of the future hides no silence, and goes once the clock of its site is right', async () => {
  assert.equal((await run('north', 'bulletin', later(100))).status, 0);
  const { status, stdout } = await run('console', 'sites', later(27));
  assert.equal(status, 1);
  assert.match(stdout, /^north .* SILENT$/m);
  assert.match(stdout, /^north: has a bulletin of .*, which is in the future/m);
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal((await run('console', 'sites')).status, 0);
});

test('a site whose bulletin cannot be put has a good backup, a warning, and a trouble until it can', async () => {
  const told = bulletinsOf('north').length;
  writeFileSync(at('no-folder'), '');
  write('north', { ...northConfig(), bulletins: { to: at('no-folder'), for: recipient } });
  const failing = await run('north', 'run nightly');
  assert.equal(failing.status, 0);
  assert.match(failing.stderr, /^the console cannot be told: /);
  const { status, stdout } = await run('north', 'status');
  assert.equal(status, 1);
  assert.match(stdout, /^console: since .*no-folder/m);
  assert.match((await run('north', 'status --nagios')).stdout, /WARNING - the console cannot be told/);
  assert.equal((await run('north', 'bulletin')).status, 14);
  write('north', northConfig());
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal((await run('north', 'status')).status, 0);
  assert.equal((await run('console', 'sites')).status, 0);
  assert.equal(bulletinsOf('north').length, Math.min(told + 1, 5));
});

test('a bulletin that somebody removed is missed, though those before it are there', async () => {
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal((await run('console', 'sites')).status, 0);
  rmSync(newestOf('north'));
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^north: told something of .* that is no longer there: somebody has removed it$/m);
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal((await run('console', 'sites')).status, 0);
});

const flawOfNorth = async (): Promise<string> => {
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1, stdout);
  assert.match(stdout, /^south .* well$/m, 'the others are seen all the same');
  return /^north: (.*)$/m.exec(stdout)?.[1] ?? '';
};

test('a bulletin that was changed, cut, moved or renamed is believed nothing of', async () => {
  const genuine = readFileSync(newestOf('north'));
  const changed = Uint8Array.from(genuine);
  changed[changed.length - 20] = (changed.at(-20) ?? 0) ^ 1;
  plant(bulletinKey('north', new Date()), changed);
  assert.match(await flawOfNorth(), /^its bulletin of .*: it is damaged, or was never sealed$/);
  plant(bulletinKey('north', new Date()), genuine.subarray(0, genuine.length - 30));
  assert.match(await flawOfNorth(), /it is damaged/);
  plant(bulletinKey('north', new Date()), Buffer.from('age-encryption.org/v1\nhello'));
  assert.match(await flawOfNorth(), /it was never sealed/);
  plant(bulletinKey('north', new Date()), genuine);
  assert.match(await flawOfNorth(), /it was made at another time than its name says/);
});

test('a bulletin of another site is of no use in the place of this one', async () => {
  assert.equal((await run('south', 'bulletin')).status, 0);
  const last = bulletinsOf('south').at(-1) ?? '';
  plant(`north/${last}`, readFileSync(at('bulletins', 'south', last)));
  assert.match(await flawOfNorth(), /it is of the site "south", and lies where it does not belong$/);
});

test('what is larger than any bulletin is refused before it is read', async () => {
  plant(bulletinKey('north', new Date()), Buffer.alloc(0));
  truncateSync(forged[0] ?? '', 1024 ** 3);
  assert.match(await flawOfNorth(), /it has 1\.00 GiB, more than any bulletin has$/);
});

const playsTricks = (text: string): boolean => text.includes('\u001b') || text.includes('\u202e');

const honest = async (): Promise<Record<string, unknown> & { health: Record<string, unknown> }> =>
  JSON.parse((await run('north', 'bulletin --show')).stdout);

test('a site that was taken over cannot play with the terminal, the page or the memory of the console', async () => {
  const told = await honest();
  const name = '\u001b[2J\u202e<script>alert(1)</script>\nsouth: all is well';
  const now = new Date();
  const job = { job: name, well: false };
  await forge(
    'north',
    JSON.stringify({ ...told, at: now, host: name, health: { ...told.health, jobs: [job] } }),
    bulletinKey('north', now),
  );
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.ok(!playsTricks(stdout));
  assert.doesNotMatch(stdout, /^south: all is well$/m);
  assert.match(
    stdout,
    /^north: job \\x1b\[2J\\u202e<script>alert\(1\)<\/script>\\nsouth: all is well: never ran$/m,
  );
  assert.ok(!playsTricks((await run('console', 'sites north')).stdout));
  assert.equal((await run('console', `sites --html ${at('sites.html')}`)).status, 1);
  const page = readFileSync(at('sites.html'), 'utf8');
  assert.equal(statSync(at('sites.html')).mode & 0o777, 0o644);
  assert.ok(!playsTricks(page) && !page.includes('<script'));
  assert.match(page, /&lt;script&gt;alert\(1\)/);
  assert.match(page, /<h2 id="south">south<\/h2>/);
});

for (const [what, spoil] of [
  [
    'ten thousand jobs',
    (health) => ({ ...health, jobs: Array.from({ length: 10_000 }, () => ({ job: '', well: true })) }),
  ],
  ['a number for a name', (health) => ({ ...health, jobs: [{ job: 1, well: true }] })],
  ['a text without end', (health) => ({ ...health, jobs: [{ job: 'x'.repeat(1_000_000), well: true }] })],
  ['a time that there is not', (health) => ({ ...health, at: 'soon' })],
  [
    'an unknown state',
    (health) => ({ ...health, sources: [{ job: 'a', source: 'b', repository: 'c', state: '\u001b' }] }),
  ],
  ['no health', () => null],
] satisfies [string, (health: Record<string, unknown>) => unknown][])
  test(`a bulletin with ${what} is refused`, async () => {
    const told = await honest();
    const now = new Date();
    await forge(
      'north',
      JSON.stringify({ ...told, at: now, health: spoil(told.health) }),
      bulletinKey('north', now),
    );
    assert.match(await flawOfNorth(), /it has something else than belongs at health[\w.]*$/);
  });

test('a bulletin that is no JSON, or nested without end, is refused', async () => {
  await forge('north', 'hello');
  assert.match(await flawOfNorth(), /it is no JSON$/);
  await forge('north', '['.repeat(1_000_000));
  assert.match(await flawOfNorth(), /it is no JSON$/);
});

test('with another key the console says so of each site', async () => {
  const made = await holdfast(['sites', '--new-key', at('other.key')]);
  write('console', { console: { ...consoleConfig(), identity: { file: at('other.key') } } });
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^north: its bulletin of .*: it is sealed for another key than that of this console$/m,
  );
  // While keys are changed, sites seal for both.
  write('north', {
    ...northConfig(),
    bulletins: { to: at('bulletins'), for: [recipient, made.stdout.trim()] },
  });
  assert.equal((await run('north', 'bulletin')).status, 0);
  assert.equal((await run('console', 'sites north')).status, 0);
  write('console', { console: consoleConfig() });
  assert.equal((await run('console', 'sites north')).status, 0);
  write('north', northConfig());
});

test('what is wrong with the console itself has the usual statuses', async () => {
  const without = await run('north', 'sites');
  assert.deepEqual([without.status, /has no "console"/.test(without.stderr)], [2, true]);
  assert.match((await run('console', 'bulletin')).stderr, /has no "bulletins"/);
  for (const [change, expected] of [
    [{ identity: { file: at('nothing.key') } }, 2],
    [{ identity: 'no key' }, 2],
    [{ bulletins: at('no-folder') }, 14],
  ] as const) {
    write('console', { console: { ...consoleConfig(), ...change } });
    assert.equal((await run('console', 'sites')).status, expected, JSON.stringify(change));
  }
  assert.equal((await run('console', 'sites --nagios')).status, 3);
  assert.equal((await run('console', 'sites --nagios --html x')).status, 2);
  write('console', { console: consoleConfig() });
  assert.equal((await run('console', 'sites ../north')).status, 2);
});

test('a monitor of a console that nothing was told to does not learn that all is well', async () => {
  mkdirSync(at('nothing'), { recursive: true });
  const { sites: _, ...console } = consoleConfig();
  write('new-console', { console: { ...console, bulletins: at('nothing') } });
  const { status, stdout } = await run('new-console', 'sites --nagios');
  assert.deepEqual([status, stdout], [3, 'HOLDFAST UNKNOWN - no site has told anything yet\n']);
});

test('sites that nobody expected are shown, and what is no bulletin is told', async () => {
  write('console', { console: { ...consoleConfig(), sites: undefined } });
  mkdirSync(at('bulletins', 'west'));
  copyFileSync(newestOf('north'), at('bulletins', 'west', 'notes.txt'));
  const { stdout, stderr } = await run('console', 'sites');
  assert.match(stdout, /^north .*\nsouth /m);
  assert.match(stderr, /^1 object in .*bulletins is no bulletin$/m);
  rmSync(at('bulletins', 'west'), { recursive: true });
  write('console', { console: consoleConfig() });
});

test('a site that nobody expected is missed when nothing of it is left, until it is forgotten', async () => {
  await using web = await startHttp();
  const notifiers = { ops: { kind: 'webhook', url: web.url } };
  write('console', { notifiers, console: { ...consoleConfig(), sites: ['north'], notify: ['ops'] } });
  assert.equal((await run('console', 'sites')).status, 0);
  rmSync(at('bulletins', 'south'), { recursive: true });
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^south +MISSING$/m);
  assert.match(stdout, /^south: told last \d{4}-\S+ \S+, and nothing of it is left$/m);
  assert.match((await run('console', 'sites south')).stdout, /^south: told last /m);
  await run('console', 'notify due');
  assert.match(JSON.parse(web.requests.at(-1)?.body ?? '').title, /^site south is in trouble: told last /);

  const near = await run('console', 'sites --forget suoth');
  assert.deepEqual([near.status, /did you mean "south"\?/.test(near.stderr)], [2, true]);
  const expected = await run('console', 'sites --forget south --forget north');
  assert.deepEqual([expected.status, /"north" stands in console\.sites/.test(expected.stderr)], [2, true]);
  assert.equal((await run('console', 'sites south --forget south')).status, 2);
  assert.equal((await run('console', 'sites --nagios --forget south')).status, 2);
  assert.equal((await run('console', 'sites')).status, 1, 'nothing was forgotten by half');
  const forgotten = await run('console', 'sites --forget south');
  assert.deepEqual([forgotten.status, forgotten.stdout], [0, 'forgotten: south\n']);
  assert.equal((await run('console', 'sites')).status, 0);
  assert.equal((await run('console', 'sites south')).status, 2);
  const told = web.requests.length;
  await run('console', 'notify due');
  assert.equal(web.requests.length, told, 'its trouble is over');

  assert.equal((await run('south', 'bulletin')).status, 0);
  assert.match((await run('console', 'sites')).stdout, /^south .* well$/m);
  write('console', { console: consoleConfig() });
});

test('doctor tries both ends, and leaves nothing behind', async () => {
  const site = await run('north', 'doctor');
  assert.match(site.stdout, /^ok +bulletins +\S+ can be written and read$/m);
  assert.ok(bulletinsOf('north').every((name) => name.endsWith('.age')));
  const well = await run('console', 'doctor');
  assert.equal(well.status, 0);
  assert.match(well.stdout, new RegExp(`^ok +console +opens what sites seal for ${recipient}$`, 'm'));
  write('console', { console: { ...consoleConfig(), identity: 'no key' } });
  assert.equal((await run('console', 'doctor')).status, 1);
  assert.doesNotMatch((await run('console', 'config show')).stdout, /no key/);
  write('console', { console: consoleConfig() });
});

test('the daemon tells the console that the site is there, though no job is due', async () => {
  const config = northConfig();
  write('north', { ...config, jobs: { nightly: { ...config.jobs.nightly, schedule: '0 0 1 1 *' } } });
  rmSync(at('bulletins', 'north'), { recursive: true });
  const daemon = startCli(['daemon'], { env: envOf('north') });
  try {
    for (let tries = 0; (await run('console', 'sites north')).status !== 0; tries += 1) {
      assert.ok(daemon.process.exitCode === null && tries < 200, 'it tells nothing');
      await wait(100);
    }
  } finally {
    daemon.process.kill('SIGTERM');
    await daemon.result;
    write('north', config);
  }
});

test('a store that lets nothing be removed is no failure, over SFTP too', {
  skip: skipWithoutSshd() ?? false,
}, async () => {
  await using store = await startWithoutRemoval();
  const { to, folder } = store;
  write('north', { ...northConfig(), bulletins: { to, for: recipient } });
  write('far-console', { console: { ...consoleConfig(), bulletins: to, sites: undefined } });
  for (let hour = 1; hour <= 7; hour += 1) {
    const { status, stderr } = await run('north', 'bulletin', later(hour - 7));
    assert.deepEqual([status, stderr], [0, '']);
  }
  assert.equal(readdirSync(folder).length, 7);
  const { status, stdout } = await run('far-console', 'sites');
  assert.deepEqual([status, /^north +just now .* well$/m.test(stdout)], [0, true]);
});

test('an account that has its own folder only is enough for a site', {
  skip: skipWithoutSshd() ?? false,
}, async () => {
  await using account = await startAccountOfData();
  const { to, folder, root } = account;
  write('north', { ...northConfig(), site: 'data', bulletins: { to, for: recipient } });
  write('root-console', { console: { ...consoleConfig(), bulletins: root, sites: ['data'] } });
  const doctor = await run('north', 'doctor');
  assert.match(doctor.stdout, /^ok +bulletins +\S+ can be written and read$/m);
  for (let hour = 1; hour <= 7; hour += 1)
    assert.equal((await run('north', 'bulletin', later(hour - 7))).status, 0);
  assert.equal(readdirSync(folder).length, 5);
  const { status, stdout } = await run('root-console', 'sites');
  assert.deepEqual([status, /^data +just now .* well$/m.test(stdout)], [0, true]);
});

test('the rights that the manual names are enough over S3, and reach no other site', {
  skip: skipWithout('ceph') ?? false,
}, async () => {
  await using ceph = await startCeph();
  const owner = { accessKeyId: ceph.accessKeyId, secretAccessKey: ceph.secretAccessKey };
  const { endpoint } = ceph;
  const s3 = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: owner });
  await s3.createBucket({ Bucket: 'bulletins' });
  const placeOf = async (who: string) => {
    const keys = { accessKeyId: `AKID${who}`, secretAccessKey: `the-secret-of-${who}` };
    const args = [`--uid=${who}`, `--display-name=${who}`, `--access-key=${keys.accessKeyId}`];
    await ceph.admin('user', 'create', ...args, `--secret-key=${keys.secretAccessKey}`);
    return { kind: 's3', endpoint, bucket: 'bulletins', ...keys };
  };
  const allow = (who: string, actions: readonly string[], below: string, Condition?: object) => ({
    Effect: 'Allow',
    Principal: { AWS: [`arn:aws:iam:::user/${who}`] },
    Action: actions.map((action) => `s3:${action}`),
    Resource: [`arn:aws:s3:::bulletins${below}`],
    ...(Condition && { Condition }),
  });
  const ofSites = ['north', 'south'].flatMap((site) => [
    allow(site, ['PutObject', 'DeleteObject', 'GetObject'], `/${site}/*`),
    allow(site, ['ListBucket'], '', { StringLike: { 's3:prefix': `${site}/*` } }),
  ]);
  const ofConsole = [
    allow('console', ['ListBucket'], ''),
    allow('console', ['GetObject'], '/*'),
    allow('console', ['PutObject', 'DeleteObject'], '/*/orders/*'),
  ];
  const places = { north: await placeOf('north'), south: await placeOf('south') };
  const reading = await placeOf('console');
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [...ofSites, ...ofConsole] });
  await s3.putBucketPolicy({ Bucket: 'bulletins', Policy });

  write('north', { ...northConfig(), bulletins: { to: places.north, for: recipient } });
  for (let hour = 1; hour <= 7; hour += 1) {
    const { status, stderr } = await run('north', 'bulletin', later(hour - 7));
    assert.deepEqual([status, stderr], [0, '']);
  }
  const { KeyCount } = await s3.listObjectsV2({ Bucket: 'bulletins' });
  assert.equal(KeyCount, 5, 'older ones are removed');
  write('s3-console', {
    console: { ...consoleConfig(), bulletins: reading, sites: ['north'] },
  });
  const { status, stdout } = await run('s3-console', 'sites');
  assert.deepEqual([status, /^north +just now .* well$/m.test(stdout)], [0, true], stdout);
  assert.match((await run('s3-console', 'doctor')).stdout, /^ok +console +\S+ can be read$/m);

  const from = (await holdfast(['order', '--new-key', at('orders.key')])).stdout.trim();
  const orders = { from, jobs: ['nightly'] };
  const key = { file: at('orders.key') };
  write('north', { ...northConfig(), orders, bulletins: { to: places.north, for: recipient } });
  write('s3-console', { console: { ...consoleConfig(), bulletins: reading, key, sites: ['north'] } });
  assert.equal((await run('north', 'bulletin')).status, 0);
  const ordered = await run('s3-console', 'order north nightly');
  assert.deepEqual([ordered.status, ordered.stderr], [0, '']);
  assert.match((await run('s3-console', 'sites north')).stdout, /nightly +waiting$/m);
  assert.equal((await run('s3-console', 'order north --withdraw')).status, 0);
  assert.match((await run('north', 'orders')).stdout, /^no orders in /m);
  assert.equal((await run('s3-console', 'order north nightly')).status, 0);
  assert.match((await run('north', 'orders')).stdout, /^ordered at .*: nightly /m);
  assert.match((await run('s3-console', 'sites north')).stdout, /nightly +succeeded$/m);
  assert.match((await run('north', 'orders')).stdout, /^no orders in /m, 'it is removed');

  write('north', { ...northConfig(), orders, bulletins: { to: places.south, for: recipient } });
  assert.equal((await run('north', 'orders')).status, 14);
  assert.equal((await run('north', 'bulletin')).status, 14);
  write('north', { ...northConfig(), bulletins: { to: places.north, for: recipient } });
  assert.match((await run('north', 'doctor')).stdout, /^ok +bulletins +\S+ can be written and read$/m);
  s3.destroy();
});
