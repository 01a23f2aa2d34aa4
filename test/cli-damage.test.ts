// What the commands say of a repository that is damaged, and of snapshots that are not there: the right status, the object
// by its name, and never a file with wrong bytes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { before, suite, test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { testPassword } from '#repository/testing.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { randomBytes } from './tools/random.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const random = seededRandom('cli damage');
const folder = temporaryFolder('cli-damage');
const at = (...parts: string[]): string => join(folder, ...parts);
const media = at('media');

/** What only the first of two backups stored. */
const storedFirst: string[] = [];

/** Two snapshots, so that every folder holds several objects. */
before(async () => {
  await makeRepository(at('whole'));
  for (const round of [1, 2]) {
    mkdirSync(join(media, `${round}`), { recursive: true });
    for (let file = 0; file < 6; file += 1)
      writeFileSync(join(media, `${round}`, `${file}`), randomBytes(random, 1 + file * 40_000));
    assert.equal((await run('whole', `backup ${media}`)).status, 0);
    if (round === 1) storedFirst.push(...objectsOf('whole', 'data'));
  }
});

const run = (repository: string, line: string): Promise<Outcome> =>
  holdfast(line.split(' '), {
    env: {
      HOLDFAST_REPOSITORY: at(repository),
      HOLDFAST_PASSWORD: testPassword,
      HOLDFAST_CATALOG: at(`${repository}.db`),
      HOME: folder,
    },
  });

const objectsOf = (repository: string, kind: string): string[] =>
  statSync(at(repository, kind)).isDirectory()
    ? readdirSync(at(repository, kind), { recursive: true, encoding: 'utf8' })
        .filter((name) => /[0-9a-f]{64}$/.test(name))
        .map((name) => join(kind, name))
        .sort()
    : [kind];

const filesBelow = (path: string): string[] =>
  existsSync(path)
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
        .sort()
    : [];

/** A copy of the whole repository in which one object is another; undefined takes it away. */
const damagedCopy = (name: string, key: string, change: (bytes: Buffer) => Buffer | undefined): string => {
  rmSync(at(name), { recursive: true, force: true });
  cpSync(at('whole'), at(name), { recursive: true });
  const bytes = change(readFileSync(at(name, key)));
  if (bytes === undefined) rmSync(at(name, key));
  else {
    chmodSync(at(name, key), 0o600);
    writeFileSync(at(name, key), bytes);
  }
  return name;
};

const flip = (bytes: Buffer): Buffer => {
  const bit = random.integer(0, bytes.length * 8);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  return bytes;
};

/** Restores the newest snapshot; what is there afterwards is right, and what is not there was spoken of. */
const restoreWhatIsLeft = async (repository: string): Promise<void> => {
  const target = at(`${repository}-restored`);
  rmSync(target, { recursive: true, force: true });
  const outcome = await run(repository, `restore latest --to ${target}`);
  const restored = filesBelow(target);
  for (const file of restored)
    assert.ok(readFileSync(join(target, file)).equals(readFileSync(join(media, file))), `${file} is wrong`);
  const missing = filesBelow(media).filter((file) => !restored.includes(file));
  const speaksOfIt = outcome.stderr.includes('is damaged'); // an earlier snapshot in the place of a damaged one
  if (outcome.status === 0 && !speaksOfIt) assert.deepEqual(missing, [], 'nothing is missing in silence');
  if (outcome.status === 3)
    for (const file of missing)
      assert.ok(
        [file, dirname(file)].some((path) =>
          outcome.stderr.split('\n').some((line) => line.startsWith(`${path}: `)),
        ),
        `${file} in ${outcome.stderr}`,
      );
};

suite('a damaged repository', () => {
  for (const kind of ['config', 'keys', 'index', 'snapshots', 'data'])
    test(`(${kind}) is reported by check with status 1, and never restored from wrongly in silence`, async () => {
      for (const key of objectsOf('whole', kind))
        for (const change of [flip, () => Buffer.alloc(0), (bytes: Buffer) => bytes.subarray(0, -9)]) {
          const repository = damagedCopy(`damaged-${kind}`, key, change);
          const checked = await run(repository, 'check --read-data');
          const name = kind === 'config' ? 'config' : key.slice(key.lastIndexOf('/') + 1);
          assert.equal(checked.status, 1, checked.stderr);
          assert.ok(checked.stderr.includes(name), `${key} in ${checked.stderr}`);
          await restoreWhatIsLeft(repository);
        }
    });
});

test('a pipe in the place of an object is not waited for', async (t) => {
  if (process.platform === 'win32') return t.skip('has no pipes in folders');
  for (const kind of ['config', 'keys', 'index', 'data']) {
    const [key = ''] = objectsOf('whole', kind);
    const repository = damagedCopy('piped', key, () => undefined);
    execFileSync('mkfifo', [at(repository, key)]);
    assert.notEqual((await run(repository, 'check --read-data')).status, 0, kind);
    await restoreWhatIsLeft(repository);
  }
});

test('a snapshot that is damaged keeps no other from being copied out of a repository that is', async () => {
  const later = at('later');
  mkdirSync(later);
  writeFileSync(join(later, 'new'), randomBytes(random, 100_000));
  const [pack = ''] = objectsOf('whole', 'data');
  const broken = damagedCopy('to rescue', pack, () => undefined);
  assert.equal((await run(broken, `backup ${later}`)).status, 0);
  await makeRepository(at('rescued'));
  const { status, stdout, stderr } = await holdfast(['copy', '--to', at('rescued')], {
    env: {
      HOLDFAST_REPOSITORY: at(broken),
      HOLDFAST_PASSWORD: testPassword,
      HOLDFAST_TO_PASSWORD: testPassword,
      HOME: folder,
    },
  });
  assert.equal(status, 3, stderr);
  assert.match(stderr, /snapshot [0-9a-f]{8} of media cannot be copied: .* is missing/);
  assert.match(stdout, /snapshot [0-9a-f]{8} of later, copied as /);
  const restored = await run('rescued', `restore latest:later --to ${at('restored-later')}`);
  assert.equal(restored.status, 0, restored.stderr);
  assert.deepEqual(readFileSync(at('restored-later', 'new')), readFileSync(join(later, 'new')));
});

suite('of a snapshot in which a folder is damaged', () => {
  const broken = 'folder-lost';
  const isNamed = (stderr: string, what: RegExp): void => {
    assert.match(stderr, new RegExp(`^${what.source}: data/.* is missing`, 'm'));
  };

  before(() => {
    cpSync(at('whole'), at(broken), { recursive: true });
    for (const pack of storedFirst) rmSync(at(broken, pack));
  });

  test('all else is restored into a folder, and what is not is named', async () => {
    const { status, stderr } = await run(broken, `restore latest --to ${at('left')}`);
    assert.equal(status, 3, stderr);
    isNamed(stderr, /1/);
    assert.deepEqual(filesBelow(at('left')).length, 6);
    assert.deepEqual(readFileSync(at('left', '2', '5')), readFileSync(join(media, '2', '5')));
    const dry = await run(broken, `restore latest --dry-run --to ${at('nowhere')}`);
    assert.equal(dry.status, 3);
    isNamed(dry.stderr, /media\/1/);
  });

  test('all else is listed', async () => {
    const { status, stdout, stderr } = await run(broken, 'ls latest');
    assert.equal(status, 3);
    isNamed(stderr, /\/media\/1/);
    assert.deepEqual(stdout.split('\n').slice(0, 4), ['/media', '/media/1', '/media/2', '/media/2/0']);
  });

  test('all else is searched, and all other snapshots', async () => {
    const { status, stdout, stderr } = await run(broken, 'find 5');
    assert.equal(status, 3);
    isNamed(stderr, /\/media\/1 of snapshot [0-9a-f]{8} of media/);
    isNamed(stderr, /snapshot [0-9a-f]{8} of media/);
    assert.match(
      stdout,
      /^\/media\/2\/5\n1 entry in 1 snapshot; 2 items could not be searched, named above$/m,
    );
  });

  test('all else is counted', async () => {
    const { status, stdout, stderr } = await run(broken, 'stats');
    assert.equal(status, 3);
    isNamed(stderr, /snapshot [0-9a-f]{8} of media/);
    assert.match(stdout, /^2 snapshots: 6 files, .*; 2 snapshots could not be counted whole, named above$/m);
  });

  test('the others are verified all the same', async () => {
    const later = at('beside');
    mkdirSync(later);
    writeFileSync(join(later, 'new'), 'new');
    assert.equal((await run(broken, `backup ${later}`)).status, 0);
    const { status, stdout, stderr } = await run(broken, 'verify');
    assert.equal(status, 1);
    isNamed(stderr, /snapshot [0-9a-f]{8} of media/);
    assert.match(stdout, /beside: snapshot [0-9a-f]{8} is what was captured/);
  });
});

test('a damaged key is named, and the other keys are listed', async () => {
  cpSync(at('whole'), at('keys'), { recursive: true });
  const id = 'ab'.repeat(32);
  writeFileSync(at('keys', 'keys', id), 'no key');
  const { status, stdout, stderr } = await run('keys', 'key list');
  assert.equal(status, 3, stderr);
  assert.ok(stderr.includes(`keys/${id} is damaged`), stderr);
  assert.match(stdout, /in use\n1 key$/m);
});
