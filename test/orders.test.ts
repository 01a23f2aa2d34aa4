// A console that has sites run some of their own jobs, and nothing else: through the command line alone.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { holdfast } from '../src/cli/testing.ts';
import type { Clock } from '../src/lib/clock.ts';
import { skipWithoutSshd } from './servers/sshd.ts';
import { jsonLines, type RunningCli, startCli } from './tools/cli.ts';
import { consoleFolder, later } from './tools/console.ts';
import { makeRepository } from './tools/repository.ts';
import { startAccountOfData, startWithoutRemoval } from './tools/sftp-sites.ts';

const { at, envOf, run, write } = consoleFolder('orders');

const keys: Record<string, string> = {};
const newKey = async (command: 'sites' | 'bulletin' | 'order', name: string): Promise<void> => {
  const made = await holdfast([command, '--new-key', at(`${name}.key`)]);
  assert.deepEqual([made.status, made.stderr], [0, '']);
  keys[name] = made.stdout.trim();
};

const siteConfig = (site: string, orders: object | undefined = ordersOf(['nightly', 'prove'])) => ({
  site,
  repositories: { nearby: { store: at(site, 'store'), password: 'correct-horse' } },
  sources: { data: { kind: 'files', path: at('files') } },
  jobs: {
    nightly: { backup: ['data'], to: ['nearby'] },
    prove: { check: ['nearby'] },
    weekly: { check: ['nearby'] },
  },
  bulletins: { to: at('bulletins'), for: keys.identity, key: { file: at(`${site}.key`) } },
  orders,
});
const ordersOf = (jobs: readonly string[], from: unknown = keys.console) => ({ from, jobs });
const consoleConfig = () => ({
  bulletins: at('bulletins'),
  identity: { file: at('identity.key') },
  key: { file: at('console.key') },
  sites: { north: keys.north, south: keys.south },
});

const tell = async (site: string): Promise<void> => {
  const { status, stderr } = await run(site, 'bulletin');
  assert.deepEqual([status, stderr], [0, '']);
};

before(async () => {
  await newKey('sites', 'identity');
  for (const name of ['console', 'thief']) await newKey('order', name);
  for (const name of ['north', 'south']) await newKey('bulletin', name);
  mkdirSync(at('bulletins'));
  mkdirSync(at('files'));
  writeFileSync(at('files', 'a.txt'), 'a file');
  write('console', { console: consoleConfig() });
  for (const site of ['north', 'south']) {
    write(site, siteConfig(site));
    await makeRepository(at(site, 'store'), 'correct-horse');
    await tell(site);
  }
});

const folderOf = (site: string): string => at('bulletins', site, 'orders');
const waitingAt = (site: string): string[] => (existsSync(folderOf(site)) ? readdirSync(folderOf(site)) : []);

/** Gives an order, and returns its id. */
const order = async (line: string, clock?: Clock): Promise<string> => {
  const { status, stdout, stderr } = await run('console', `order ${line} --json`, clock);
  assert.equal(status, 0, stderr);
  return String(jsonLines(stdout)[0]?.id);
};

/** What the console sees of the orders of a site, by their ids. */
const seen = async (site: string, clock?: Clock): Promise<Record<string, Record<string, unknown>>> => {
  const { stdout } = await run('console', `sites ${site} --json`, clock);
  const orders = jsonLines(stdout).filter(({ message_type }) => message_type === 'order');
  return Object.fromEntries(orders.map((one) => [String(one.id), one]));
};
const stateOf = async (site: string, id: string, clock?: Clock): Promise<unknown> =>
  (await seen(site, clock))[id]?.state;

const runsOf = async (site: string): Promise<Record<string, unknown>[]> =>
  jsonLines((await run(site, 'runs --json')).stdout).filter(({ message_type }) => message_type === 'run');

test('an order is run by its site as `run` does, and the console sees what became of it', async () => {
  const given = await run('console', 'order north nightly prove');
  assert.deepEqual([given.status, given.stderr], [0, '']);
  const [, id = ''] =
    /^ordered: nightly, prove at north, until [-\d: ]+ \(([0-9a-f]{16})\)$/m.exec(given.stdout) ?? [];
  assert.equal(await stateOf('north', id), 'waiting');
  assert.match(
    (await run('console', 'sites north')).stdout,
    new RegExp(`^${id} +just now +nightly, prove +waiting$`, 'm'),
  );
  assert.deepEqual(waitingAt('south'), []);

  const taken = await run('north', 'orders');
  assert.deepEqual([taken.status, taken.stderr], [0, '']);
  assert.match(taken.stdout, new RegExp(`^ordered at [-\\d: ]+: nightly, prove \\(${id}\\)$`, 'm'));
  assert.deepEqual(waitingAt('north'), []);
  const outcome = (await seen('north'))[id];
  assert.equal(outcome?.state, 'succeeded');
  const runs = await runsOf('north');
  assert.deepEqual(
    runs.map(({ job, state, orders }) => [job, state, orders]),
    [
      ['prove', 'succeeded', [id]],
      ['nightly', 'succeeded', [id]],
    ],
  );
  const shown = await run('north', `runs ${runs[0]?.id}`);
  assert.match(shown.stdout, new RegExp(`, ordered by the console \\(${id}\\), process `));
  assert.match((await run('console', 'sites north')).stdout, new RegExp(`^${id} .* succeeded$`, 'm'));
  await run('console', `sites --html ${at('sites.html')}`);
  assert.match(readFileSync(at('sites.html'), 'utf8'), new RegExp(`<td>${id}</td>.*<td>succeeded</td>`));

  const nothing = await run('north', 'orders');
  assert.deepEqual([nothing.status, /^no orders in /.test(nothing.stdout)], [0, true]);
  assert.equal((await runsOf('north')).length, 2);
});

test('what a site lets be ordered stands in its bulletin, and nothing else can be ordered', async () => {
  const told = JSON.parse((await run('north', 'bulletin --show')).stdout);
  assert.deepEqual(told.orders.jobs, ['nightly', 'prove']);
  assert.match((await run('console', 'sites north')).stdout, /^may be ordered: nightly, prove$/m);
  const [site] = jsonLines((await run('console', 'sites north --json')).stdout);
  assert.deepEqual(site?.may_be_ordered, ['nightly', 'prove']);
  for (const [line, why] of [
    ['order nort nightly', /no site called "nort" is known; did you mean "north"\?/],
    ['order north weekly', /north does not let "weekly" be ordered\n.*it lets be ordered: nightly, prove/],
    ['order north nightly nigthly', /north has no job called "nigthly"; did you mean "nightly"\?/],
    ['order ../north nightly', /"\.\.\/north" is no name of a site/],
    ['order north ../nightly', /"\.\.\/nightly" is no name of a job/],
    ['order north', /an order is for a site and at least one of its jobs/],
    ['order north nightly --expires soon', /--expires soon is no length of time/],
    ['order north nightly --expires 9999w', /of ten years at most/],
    ['order north nightly --public-key', /contradict each other/],
  ] as const) {
    const { status, stderr } = await run('console', line);
    assert.deepEqual([status, why.test(stderr)], [2, true], stderr);
  }
  write('south', { ...siteConfig('south'), orders: undefined });
  await tell('south');
  const without = await run('console', 'order south nightly');
  assert.deepEqual([without.status, /south takes no orders$/m.test(without.stderr)], [2, true]);
  assert.equal((await run('south', 'orders')).status, 2);
  write('south', siteConfig('south'));
  await tell('south');
  assert.deepEqual([waitingAt('north'), waitingAt('south')], [[], []]);
});

test('an order for a site that has told nothing to rely on is given with a warning', async () => {
  write('console', {
    console: { ...consoleConfig(), sites: { ...consoleConfig().sites, west: 'unsigned' } },
  });
  const { status, stderr } = await run('console', 'order west nightly');
  assert.equal(status, 0);
  assert.match(stderr, /^west has told nothing to rely on: whether it runs nightly is not known$/m);
  rmSync(at('bulletins', 'west'), { recursive: true });
  write('console', { console: consoleConfig() });
  assert.match(
    (await run('console', 'order --public-key')).stdout,
    new RegExp(`^${keys.console?.replaceAll('+', '\\+')}$`, 'm'),
  );
  const { key: _, ...keyless } = consoleConfig();
  write('console', { console: keyless });
  const without = await run('console', 'order north nightly');
  assert.deepEqual([without.status, /has no "key" in "console"/.test(without.stderr)], [2, true]);
  write('console', { console: consoleConfig() });
});

test('doctor tries both ends, and leaves nothing behind', async () => {
  const site = await run('north', 'doctor');
  const key = keys.console?.replaceAll('+', '\\+');
  assert.match(site.stdout, new RegExp(`^ok +orders +of ${key} may run nightly, prove$`, 'm'));
  assert.match(site.stdout, /^ok +orders +\S+ can be written and read$/m);
  assert.deepEqual(waitingAt('north'), []);
  const far = await run('console', 'doctor');
  assert.match(far.stdout, new RegExp(`^ok +console +signs orders with the key of ${key}$`, 'm'));
  write('console', { console: { ...consoleConfig(), key: 'no key' } });
  const broken = await run('console', 'doctor');
  assert.deepEqual(
    [broken.status, /^error +console +the signing key is no whole/m.test(broken.stdout)],
    [1, true],
  );
  assert.equal((await run('console', 'order north nightly')).status, 2);
  assert.doesNotMatch((await run('console', 'config show')).stdout, /no key/);
  write('console', { console: consoleConfig() });
});

test('a site that stands nowhere in the file of the console takes orders, too, and a silent one is warned of', async () => {
  write('new-console', { console: { ...consoleConfig(), sites: undefined } });
  const { status, stderr } = await run('new-console', 'order north prove', later(30));
  assert.deepEqual([status, /^north is silent: what it told last is of 30 h ago$/m.test(stderr)], [0, true]);
  rmSync(folderOf('north'), { recursive: true });
  assert.equal((await run('new-console', 'order east prove')).status, 2);
});

test('of several orders for a job one run comes, and it is the run of all', async () => {
  const first = await order('south nightly');
  const second = await order('south prove nightly');
  const before = (await runsOf('south')).length;
  assert.equal((await run('south', 'orders')).status, 0);
  const runs = await runsOf('south');
  assert.equal(runs.length, before + 2);
  assert.deepEqual(runs.find(({ job }) => job === 'nightly')?.orders, [first, second].toSorted());
  const orders = await seen('south');
  assert.deepEqual([orders[first]?.state, orders[second]?.state], ['succeeded', 'succeeded']);
});

test('a job that fails is told as such, beside the one that did not', async () => {
  const config = siteConfig('north');
  write('north', { ...config, sources: { data: { kind: 'files', path: at('nothing') } } });
  const id = await order('north nightly prove');
  assert.equal((await run('north', 'orders')).status, 3);
  assert.equal(await stateOf('north', id), 'failed');
  assert.match(
    (await run('console', 'sites north')).stdout,
    new RegExp(`^${id} .* failed: nightly failed, prove succeeded$`, 'm'),
  );
  write('north', config);
  await run('north', 'run nightly');
});

/** Has north look, and returns what it says of what it refuses. */
const refusedBy = async (site: string, clock?: Clock): Promise<string> => {
  const before = (await runsOf(site)).length;
  const { status, stderr } = await run(site, 'orders', clock);
  assert.deepEqual([status, waitingAt(site), (await runsOf(site)).length], [0, [], before], stderr);
  return stderr;
};

test('an order is not taken twice, whoever puts it back under whichever name', async () => {
  await order('north prove');
  const [name = ''] = waitingAt('north');
  copyFileSync(`${folderOf('north')}/${name}`, at('taken'));
  assert.equal((await run('north', 'orders')).status, 0);
  const putBack = (as: string) => copyFileSync(at('taken'), `${folderOf('north')}/${as}`);
  putBack(name);
  assert.match(await refusedBy('north'), /is refused: it was taken or refused before/);
  putBack(name);
  await refusedBy('north');
  putBack(name.replace(/.(?=\.order$)/, (last) => (last === '0' ? '1' : '0')));
  assert.match(await refusedBy('north'), /is refused: it lies under another name than its own/);
  const told = Object.values(await seen('north')).filter(({ state }) => state === 'refused');
  assert.equal(told.length, 2, 'each is told once');
});

test('an order that is late, or of the future, or older than one that was taken, is refused', async () => {
  const late = await order('north prove --expires 2h', later(-3));
  assert.match(await refusedBy('north'), /is refused: it had expired at /);
  assert.equal(await stateOf('north', late), 'refused');
  const future = await order('north prove', later(2));
  assert.match(await refusedBy('north'), /is refused: it is of .*, which is in the future: /);
  assert.equal(await stateOf('north', future), 'refused');
  const old = await order('north prove', later(-0.1));
  assert.match(await refusedBy('north'), /is refused: one that was given after it, at .*, has been taken/);
  assert.match(String((await seen('north'))[old]?.why), /^one that was given after it, /);
  const good = await order('north prove');
  assert.equal((await run('north', 'orders')).status, 0);
  assert.equal(await stateOf('north', good), 'succeeded');
});

test('a site that lets a job be ordered no more refuses it, and says so', async () => {
  const id = await order('south nightly prove');
  write('south', siteConfig('south', ordersOf(['prove'])));
  assert.match(await refusedBy('south'), /is refused: "nightly" may not be ordered here/);
  assert.equal(await stateOf('south', id), 'refused');
  write('south', siteConfig('south'));
  const another = await order('south prove');
  const { jobs, ...config } = siteConfig('south', ordersOf(['nightly']));
  write('south', { ...config, jobs: { nightly: jobs.nightly } });
  assert.match(await refusedBy('south'), /is refused: there is no job called "prove" here/);
  assert.equal((await seen('south'))[another]?.why, 'there is no job called "prove" here');
  write('south', siteConfig('south'));
  await tell('south');
});

test('a site that is killed at whatever moment runs no order twice, and tells what became of each', async () => {
  for (let round = 0; round < 8; round += 1) {
    const id = await order('south prove');
    const taking = startCli(['orders'], { env: envOf('south') });
    await Promise.race([taking.result, wait(400 + round * 150)]);
    taking.process.kill('SIGKILL');
    await taking.result;
    assert.equal((await run('south', 'orders')).status, 0);
    await tell('south');
    const runs = (await runsOf('south')).filter(({ orders }) => [orders].flat().includes(id));
    const state = await stateOf('south', id);
    assert.ok(runs.length <= 1, `${runs.length} runs of one order`);
    assert.ok(state === 'succeeded' || state === 'interrupted', String(state));
    assert.equal(state === 'succeeded', runs[0]?.state === 'succeeded');
    assert.deepEqual(waitingAt('south'), []);
  }
});

test('an order is withdrawn while its site has not taken it, and no other', async () => {
  const [first, second, third] = [
    await order('south prove'),
    await order('south nightly prove'),
    await order('south nightly'),
  ];
  const elsewhere = await order('north prove');
  const runs = (await runsOf('south')).length;
  const some = await run('console', 'order south prove --withdraw');
  assert.equal(some.status, 0, some.stderr);
  assert.match(
    some.stdout,
    new RegExp(`^withdrawn: prove at south, ordered at [-\\d: ]+ \\(${first}\\)$`, 'm'),
  );
  assert.match(some.stdout, /^2 orders for south withdrawn$/m);
  assert.match(
    some.stderr,
    new RegExp(
      `^${second} was for nightly, too, and is withdrawn as a whole\nhint: .*holdfast order south nightly$`,
      'm',
    ),
  );
  assert.deepEqual(Object.keys(await seen('south')).slice(0, 1), [third]);
  assert.deepEqual([await stateOf('south', second), await stateOf('south', third)], [undefined, 'waiting']);
  const all = await run('console', 'order south --withdraw --json');
  assert.deepEqual([all.status, all.stderr], [0, '']);
  assert.deepEqual(
    jsonLines(all.stdout).map(({ message_type, id, withdrawn }) => [message_type, id ?? withdrawn]),
    [
      ['withdrawn', third],
      ['summary', 1],
    ],
  );
  assert.deepEqual([waitingAt('south'), waitingAt('north').length], [[], 1]);
  assert.match((await run('south', 'orders')).stdout, /^no orders in /);
  assert.equal((await runsOf('south')).length, runs);
  assert.equal((await run('north', 'orders')).status, 0);
  assert.equal(await stateOf('north', elsewhere), 'succeeded');
});

test('an order that its site was reading while it was withdrawn is run once, and shown', async () => {
  const id = await order('south prove');
  const path = join(folderOf('south'), waitingAt('south')[0] ?? '');
  const asRead = readFileSync(path);
  assert.equal((await run('console', 'order south --withdraw')).status, 0);
  assert.equal(await stateOf('south', id), undefined);
  writeFileSync(path, asRead);
  const runs = (await runsOf('south')).length;
  assert.equal((await run('south', 'orders')).status, 0);
  assert.equal((await runsOf('south')).length, runs + 1);
  assert.equal(await stateOf('south', id), 'succeeded');
});

test('that there is nothing to withdraw, or that it was taken already, is said', async () => {
  const refused = async (status: number, line: string, why: RegExp): Promise<void> => {
    const outcome = await run('console', line);
    assert.deepEqual([outcome.status, why.test(outcome.stderr)], [status, true], outcome.stderr);
  };
  const taken = await order('south prove');
  assert.equal((await run('south', 'orders')).status, 0);
  const over = new RegExp(
    `no order of prove for south from this console waits in .*\nhint: the last was ${taken}, for prove, of [-\\d: ]+: succeeded$`,
    'm',
  );
  await refused(1, 'order south prove --withdraw', over);
  await refused(
    1,
    'order south weekly --withdraw',
    /no order of weekly for south .*\nhint: none was given from here that was not withdrawn/,
  );
  await refused(2, 'order nort --withdraw', /no site called "nort" is known; did you mean "north"\?/);
  await refused(2, 'order --withdraw', /none is named/);
  await refused(2, 'order south --withdraw --expires 2h', /--withdraw and --expires contradict/);
  await refused(2, 'order --withdraw --public-key', /--withdraw and --public-key contradict/);

  // Its site has it, and has told nothing of it yet.
  const gone = await order('south prove --expires 1h');
  rmSync(join(folderOf('south'), waitingAt('south')[0] ?? ''));
  await refused(
    1,
    'order south --withdraw',
    new RegExp(`the last was ${gone}, .*: taken or removed: its site has told`),
  );
  const waiting = await order('south nightly');
  const late = await run('console', 'order south --withdraw');
  assert.equal(late.status, 3);
  assert.match(late.stdout, new RegExp(`^withdrawn: nightly at south, .*\\(${waiting}\\)$`, 'm'));
  assert.match(late.stderr, new RegExp(`^${gone}, for prove, .*, cannot be withdrawn: taken or removed`));
});

test('what a console does not see taken is waiting, gone or expired', async () => {
  const id = await order('south prove --expires 3h');
  const [name = ''] = waitingAt('south');
  assert.equal(await stateOf('south', id), 'waiting');
  rmSync(`${folderOf('south')}/${name}`);
  assert.equal(await stateOf('south', id), 'gone');
  assert.match((await run('console', 'sites south')).stdout, /taken or removed: its site has told nothing/);
  assert.equal(await stateOf('south', id, later(4)), 'expired');
});

/** Its hook has begun. */
const begun = async ({ process, result }: RunningCli): Promise<void> => {
  for (let tries = 0; !existsSync(at('begun')); tries += 1) {
    if (process.exitCode !== null || tries > 600) assert.fail((await result).stderr);
    await wait(100);
  }
};

test('while a job runs, an order for it does what `run` does: nothing, which is told', async () => {
  const config = siteConfig('north');
  const slow = { ...config.jobs.nightly, hooks: { before: `touch ${at('begun')}; exec sleep 30` } };
  write('north', { ...config, jobs: { ...config.jobs, nightly: slow } });
  const running = startCli(['run', 'nightly'], { env: envOf('north') });
  await begun(running);
  const id = await order('north nightly');
  assert.equal((await run('north', 'orders')).status, 0);
  assert.equal(await stateOf('north', id), 'skipped');
  running.process.kill('SIGTERM');
  await running.result;
  rmSync(at('begun'));
  write('north', config);
});

test('a site that is killed while it runs what was ordered does not run it again, and says so', async () => {
  const config = siteConfig('north');
  const slow = { ...config.jobs.nightly, hooks: { before: `touch ${at('begun')}; exec sleep 30` } };
  write('north', { ...config, jobs: { ...config.jobs, nightly: slow } });
  const id = await order('north nightly prove');
  const taking = startCli(['orders'], { env: envOf('north') });
  await begun(taking);
  assert.equal(await stateOf('north', id), 'running', 'it is told before it is over');
  const beside = await run('north', 'orders');
  assert.match(beside.stdout, /^nothing to do: another process runs what was ordered$/m);
  taking.process.kill('SIGKILL');
  await taking.result;
  write('north', config);
  const runs = await runsOf('north');
  assert.deepEqual([runs[0]?.state, runs[0]?.orders], ['interrupted', [id]]);
  assert.match((await run('north', 'orders')).stdout, /^no orders in /);
  assert.equal((await runsOf('north')).length, runs.length);
  await tell('north');
  assert.equal(await stateOf('north', id), 'interrupted');
  rmSync(at('begun'));
});

test('an account that has its own folder only is enough for a site, where root gives the orders', {
  skip: skipWithoutSshd() ?? false,
}, async () => {
  await using account = await startAccountOfData();
  const { to, folder, root } = account;
  const { key: _, ...bulletins } = siteConfig('north').bulletins;
  write('data', { ...siteConfig('north'), site: 'data', bulletins: { ...bulletins, to } });
  write('root', { console: { ...consoleConfig(), bulletins: root, sites: ['data'] } });
  await tell('data');
  const doctor = await run('data', 'doctor');
  assert.match(doctor.stdout, /^ok +orders +\S+ can be written and read$/m);
  for (let round = 0; round < 2; round += 1) {
    assert.equal((await run('root', 'order data prove')).status, 0);
    const { status, stdout, stderr } = await run('data', 'orders');
    assert.deepEqual([status, stderr, /^ordered at .*: prove /m.test(stdout)], [0, '', true]);
    assert.deepEqual(readdirSync(join(folder, 'orders')), []);
  }
  assert.match((await run('root', 'sites data')).stdout, /prove +succeeded\n.*prove +succeeded$/m);
});

test('an order that the store lets nobody remove is taken once, and warned of', {
  skip: skipWithoutSshd() ?? false,
}, async () => {
  await using store = await startWithoutRemoval();
  const { to } = store;
  write('north', { ...siteConfig('north'), bulletins: { ...siteConfig('north').bulletins, to } });
  write('far', { console: { ...consoleConfig(), bulletins: to } });
  await tell('north');
  assert.equal((await run('far', 'order north prove')).status, 0);
  const first = await run('north', 'orders');
  assert.deepEqual([first.status, /^orders: 1 order cannot be removed: /m.test(first.stderr)], [0, true]);
  const runs = (await runsOf('north')).length;
  for (let look = 0; look < 2; look += 1) assert.equal((await run('north', 'orders')).status, 0);
  assert.equal((await runsOf('north')).length, runs);
  assert.match((await run('far', 'sites north')).stdout, /prove +succeeded$/m);
  write('north', siteConfig('north'));
});

test('orders of a store that is away are fetched later', async () => {
  const config = siteConfig('north');
  writeFileSync(at('no-folder'), '');
  write('north', { ...config, bulletins: { ...config.bulletins, to: at('no-folder') } });
  assert.equal((await run('north', 'orders')).status, 14);
  write('north', config);
  const id = await order('north prove');
  assert.equal((await run('north', 'orders')).status, 0);
  assert.equal(await stateOf('north', id), 'succeeded');
});

test('the daemon runs what was ordered, and lets it end or cancels it when it is stopped', async () => {
  const config = siteConfig('north');
  const slow = (seconds: number) => ({
    ...config.jobs.nightly,
    hooks: { before: `touch ${at('begun')}; exec sleep ${seconds}` },
  });
  for (const [seconds, stopTimeout, state] of [
    [2, '20s', 'succeeded'],
    [30, '1s', 'cancelled'],
  ] as const) {
    write('north', {
      ...config,
      jobs: { ...config.jobs, nightly: slow(seconds) },
      daemon: { stopTimeout },
    });
    const id = await order('north nightly');
    const daemon = startCli(['daemon'], { env: envOf('north') });
    await begun(daemon);
    daemon.process.kill('SIGTERM');
    const { status, stderr } = await daemon.result;
    assert.equal(status, 0, stderr);
    assert.match(stderr, /runs what was ordered: nightly/);
    assert.match(stderr, /stops; waits up to \d+s for nightly/);
    assert.equal(/cancels what was ordered, which will not run again/.test(stderr), state === 'cancelled');
    assert.deepEqual([(await runsOf('north'))[0]?.state, (await runsOf('north'))[0]?.orders], [state, [id]]);
    await tell('north');
    assert.equal(await stateOf('north', id), state);
    rmSync(at('begun'));
  }
  write('north', config);
});
