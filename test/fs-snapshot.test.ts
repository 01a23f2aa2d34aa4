// Files that are read from a snapshot of their file system, so that they are of one moment, with databases or without.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { commandLine } from '../src/cli/testing.ts';
import { execute } from '../src/sources/sqlite/testing.ts';
import { btrfs, btrfsDisk, skipWithoutBtrfs } from './tools/btrfs-disk.ts';
import { jsonLines } from './tools/cli.ts';
import { jobsPlace } from './tools/jobs-place.ts';
import { makeRepository } from './tools/repository.ts';
import { smallDisk } from './tools/small-disk.ts';

const { at, env } = jobsPlace('fs-snapshot');
const { run, done } = commandLine({ ...env, PATH: env.PATH ?? '' });

suite('files of btrfs', { skip: skipWithoutBtrfs() }, () => {
  const shop = at('disk', 'shop');
  const media = join(shop, 'media');
  const kept = join(shop, '.holdfast-snapshots');
  let disk: Disposable;
  before(async () => {
    disk = btrfsDisk(at('disk'));
    btrfs('subvolume', 'create', shop);
    mkdirSync(join(media, 'deep'), { recursive: true });
    for (const name of ['a', 'b', 'deep/c']) writeFileSync(join(media, name), `old ${name}`);
    linkSync(join(media, 'a'), join(media, 'a2'));
    symlinkSync('a', join(media, 'link'));
    execute(at('shop.db'), 'PRAGMA journal_mode=WAL; CREATE TABLE t (id); INSERT INTO t VALUES (1)');
    await makeRepository(at('backups'), env.HOLDFAST_PASSWORD);
  });
  after(() => disk[Symbol.dispose]());

  const configure = (
    files: Readonly<Record<string, unknown>>,
    job: Readonly<Record<string, unknown>> = { backup: ['media'] },
  ): void =>
    writeFileSync(
      at('holdfast.yaml'),
      JSON.stringify({
        repositories: { here: { store: at('backups'), password: { env: 'HOLDFAST_PASSWORD' } } },
        sources: {
          media: { kind: 'files', fsSnapshot: 'btrfs', ...files },
          db: { kind: 'sqlite', path: at('shop.db') },
          all: { kind: 'files', path: shop },
        },
        jobs: { nightly: { to: ['here'], ...job } },
      }),
      { mode: 0o600 },
    );
  const newest = async (): Promise<Record<string, unknown>> =>
    jsonLines(await done('snapshots --source media --json')).at(-2) ?? {};
  const paths = async (): Promise<unknown[]> =>
    jsonLines(await done('ls latest:media --json'))
      .filter(({ message_type }) => message_type === 'node')
      .map(({ path }) => path)
      .slice(1);

  test('they are stored as if they had been read where they are, and again nothing is', async () => {
    configure({ path: media, fsSnapshot: undefined, exclude: [`${media}/b`] });
    await done('backup nightly');
    const { tree } = await newest();
    configure({ path: media, exclude: [`${media}/b`] });
    await done('backup nightly');
    assert.equal((await newest()).tree, tree);
    assert.deepEqual(readdirSync(kept), []);
  });

  test('they are of the moment at which the databases are held', async () => {
    const change = [
      `echo new > ${media}/a && rm ${media}/b && echo new > ${media}/d && mv ${media}/deep ${media}/moved`,
      `[ "$(ls ${kept} | wc -l)" = 1 ]`,
    ];
    const hooks = { held: change.join(' && '), after: `mv ${media}/moved ${media}/deep` };
    configure({ path: media }, { backup: ['media', 'db', 'all'], together: true, hooks });
    assert.match(await done('backup nightly'), /^media, db: opening all, before any is read$/m);
    assert.deepEqual(
      await paths(),
      ['a', 'a2', 'b', 'deep', 'deep/c', 'link'].map((path) => `/media/${path}`),
    );
    assert.equal(await done('dump latest:media a'), 'old a');
    assert.equal(await done('dump latest:media deep/c'), 'old deep/c');
    assert.deepEqual(readdirSync(kept), []);
    const times = jsonLines(await done('snapshots --json'))
      .slice(-4, -1)
      .map(({ time }) => time);
    assert.equal(times[0], times[1]);
    assert.doesNotMatch(await done('ls latest:all'), /holdfast-snapshots/, 'of a source that is just read');
    configure({ path: media });
    await done('backup nightly');
    assert.equal(await done('dump latest:media d'), 'new\n');
  });

  test('a snapshot that a hook mounts elsewhere is read in the place of the files', async () => {
    const now = at('disk', 'now');
    const hooks = {
      held: `btrfs subvolume snapshot -r ${shop} ${now} && rm ${media}/d`,
      after: `btrfs subvolume delete ${now}; echo new > ${media}/d`,
    };
    const files = { path: media, fsSnapshot: undefined, readFrom: join(now, 'media') };
    configure(files, { backup: ['media', 'db'], together: true, hooks });
    await done('backup nightly');
    assert.equal(await done('dump latest:media d'), 'new\n');
    assert.match(await done('recover nightly --dry-run --leave db --force'), new RegExp(` to ${media}`));
    configure(files);
    const { status, stderr } = await run('backup nightly');
    assert.equal(status, 13);
    assert.match(stderr, /is not .* in a snapshot of its file system/);
  });

  test('what the snapshot does not have is named, unless it is left out or asked for', async () => {
    btrfs('subvolume', 'create', join(media, 'nested'));
    writeFileSync(join(media, 'nested', 'n'), 'n');
    using _ = smallDisk(join(media, 'mounted'), 'size=64k');
    writeFileSync(join(media, 'mounted', 'm'), 'm');
    writeFileSync(join(media, 'bound'), '');
    execFileSync('mount', ['--bind', at('shop.db'), join(media, 'bound')]);
    try {
      configure({ path: media });
      const { status, stderr } = await run('backup nightly');
      assert.equal(status, 3);
      for (const name of ['nested', 'mounted', 'bound'])
        assert.match(stderr, new RegExp(`${name} is not in the snapshot of the file system`));
      configure({ path: media, exclude: ['mounted'], oneFileSystem: true });
      await done('backup nightly');
      assert.ok(!(await paths()).includes('/media/nested/n'));
      configure({ paths: [media, join(media, 'nested')], exclude: ['mounted', 'bound'] });
      await done('backup nightly');
      assert.ok((await paths()).includes(`/media${media}/nested/n`));
      assert.deepEqual(readdirSync(join(media, 'nested', '.holdfast-snapshots')), []);
      assert.ok(!(await paths()).some((path) => String(path).includes('holdfast-snapshots')));
    } finally {
      execFileSync('umount', ['--lazy', join(media, 'bound')]);
      btrfs('subvolume', 'delete', join(media, 'nested'));
    }
  });

  test('what a run left that was killed is removed by the next, and a stranger’s is named', async () => {
    configure({ path: media });
    const ours = join(kept, [hostname(), 2 ** 22 + 1, 'long ago', 1].map(encodeURIComponent).join(','));
    const foreign = join(kept, 'elsewhere,1,x,1');
    for (const path of [ours, foreign]) btrfs('subvolume', 'snapshot', '-r', shop, path);
    const { stdout } = await run('doctor');
    assert.match(stdout, /was left by a run that was killed, and takes room/);
    assert.match(stdout, /was taken by a run on elsewhere, and takes room/);
    await done('backup nightly');
    assert.ok(!existsSync(ours));
    assert.ok(existsSync(foreign));
    btrfs('subvolume', 'delete', foreign);
  });

  test('where no snapshot can be taken nothing is stored, and it is said why', async () => {
    const refused = async (files: Readonly<Record<string, unknown>>, why: RegExp): Promise<void> => {
      configure(files);
      const { status, stderr } = await run('backup nightly');
      assert.equal(status, 13, stderr);
      assert.match(stderr, why);
      assert.match((await run('doctor')).stdout, why);
    };
    mkdirSync(at('elsewhere'));
    writeFileSync(at('elsewhere', 'x'), '');
    await refused({ path: at('elsewhere') }, /it does not lie on btrfs/);
    mkdirSync(at('disk', 'bound'));
    execFileSync('mount', ['--bind', media, at('disk', 'bound')]);
    try {
      await refused({ path: at('disk', 'bound') }, /is mounted from another place|only a part can be seen/);
    } finally {
      execFileSync('umount', ['--lazy', at('disk', 'bound')]);
    }
    chmodSync(kept, 0o755);
    configure({ path: media });
    const open = await run('backup nightly');
    assert.equal(open.status, 13);
    assert.match(open.stderr, /holdfast-snapshots is not a folder that only this user may enter/);
    rmSync(kept, { recursive: true });
    renameSync(media, `${media}2`);
    await refused({ path: media }, /no such file or directory/);
  });
});
