// The commands beside stock restic: each continues what the other began, and keeps out of its way.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { testPassword } from '#repository/testing.ts';
import { findListing } from '#sources/files/testing.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { holdResticLock } from './tools/held-locks.ts';
import { randomBytes } from './tools/random.ts';
import { hastenKey } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';
import { writeFiles, writeOddTree } from './tools/tree.ts';

const largeBytes = 20 * 1024 * 1024;
/** What a second backup of the same files may add: folders, and nothing of the files. */
const littleBytes = largeBytes / 50;

for (const version of ['old', 'new'] as const)
  suite(`beside the ${version} restic, the commands`, { skip: skipWithoutRestic() ?? false }, () => {
    const folder = temporaryFolder(`cli-restic-${version}`);
    const at = (...parts: string[]): string => join(folder, ...parts);
    const media = at('media');
    let binary: string;

    before(async () => {
      binary = (await resticBinaries())[version];
      const random = seededRandom(`cli ${version}`);
      mkdirSync(media);
      writeFiles(media, random, { files: 40 });
      writeOddTree(join(media, 'odd'));
      // 0.14 does not know the field for link targets that are not UTF-8.
      if (version === 'old') rmSync(join(media, 'odd', 'symlink to bytes'));
      writeFileSync(join(media, 'large'), randomBytes(random, largeBytes));
    });

    const restic = async (repository: string, line: string, statuses?: readonly number[]): Promise<Buffer> =>
      (
        await runRestic(binary, line.split(' '), {
          repository: at(repository),
          ...(statuses && { statuses }),
        })
      ).stdout;
    const run = (repository: string, line: string): Promise<Outcome> =>
      holdfast(line.split(' '), {
        env: {
          HOLDFAST_REPOSITORY: at(repository),
          HOLDFAST_PASSWORD: testPassword,
          HOLDFAST_CATALOG: at('catalog.db'),
          HOME: folder,
        },
      });
    const done = async (repository: string, line: string): Promise<string> => {
      const { status, stdout, stderr } = await run(repository, line);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, line);
      return stdout;
    };
    /** Bytes that a backup of ours stored. */
    const stored = async (repository: string): Promise<number> => {
      const outcomes = jsonLines(await done(repository, `backup ${media} --json`));
      return Number(outcomes.find(({ message_type }) => message_type === 'source_done')?.data_added_packed);
    };
    const resticStored = async (repository: string): Promise<number> => {
      const lines = String(await restic(repository, `backup --json ${media}`)).trim();
      return Number(jsonLines(lines).at(-1)?.data_added);
    };
    const assertSame = (restored: string): void => {
      assert.deepEqual(findListing(restored), findListing(media));
      execFileSync('diff', ['-r', '--no-dereference', '--exclude=fifo', media, restored]);
    };

    test('make a repository that restic checks, lists, dumps and restores', async () => {
      await done('ours', 'init');
      await restic('ours', 'snapshots');
      await hastenKey(at('ours'));
      assert.ok((await stored('ours')) > largeBytes);
      await restic('ours', 'check --read-data');
      const [snapshot] = JSON.parse(String(await restic('ours', 'snapshots --json')));
      assert.deepEqual(
        [snapshot.paths, snapshot.tags.slice(0, 2)],
        [['/media'], ['source:media', 'kind:files']],
      );
      assert.match(String(await restic('ours', 'ls latest')), /^\/media\/odd\/漢字 🦭$/m);
      const dumped = await restic('ours', 'dump latest /media/large');
      assert.ok(dumped.equals(readFileSync(join(media, 'large'))));
      await restic('ours', `restore latest --target ${at('by-restic')}`);
      assertSame(at('by-restic', 'media'));
    });

    test('go on with their repository after restic backed up, forgot and pruned in it', async () => {
      assert.ok((await resticStored('ours')) < littleBytes);
      await restic('ours', 'forget --group-by host --keep-last 1 --prune');
      assert.match(await done('ours', 'check --read-data'), /no problem found \(1 snapshot,/);
      await done('ours', `restore latest --to ${at('by-us')}`);
      assertSame(join(at('by-us'), media));
      assert.ok((await stored('ours')) < littleBytes);
      await restic('ours', 'check --read-data');
    });

    test('read what restic made, and go on with it', async () => {
      await restic('theirs', 'init');
      await hastenKey(at('theirs'));
      await resticStored('theirs');
      const [snapshot] = jsonLines(await done('theirs', 'snapshots --json'));
      assert.deepEqual(snapshot?.paths, [media]);
      assert.ok((await done('theirs', 'ls latest')).includes(`\n${media}/odd/漢字 🦭\n`));
      assert.match(await done('theirs', `find ${media}/large`), /1 entry in 1 snapshot/);
      assert.match(await done('theirs', 'check --read-data'), /no problem found/);
      await done('theirs', `restore latest --to ${at('of-theirs')}`);
      assertSame(join(at('of-theirs'), media));
      assert.match(await done('theirs', `drill latest --scratch ${folder}`), /is proven: /);
      await done('theirs', `restore latest --to ${at('one')} --path ${media}/large`);
      assert.ok(readFileSync(join(at('one'), media, 'large')).equals(readFileSync(join(media, 'large'))));
      assert.ok((await stored('theirs')) < littleBytes);
      await done('theirs', `forget ${snapshot?.id} --prune --force`);
      await restic('theirs', 'check --read-data');
      await restic('theirs', `restore latest --target ${at('of-both')}`);
      assertSame(at('of-both', 'media'));
    });

    test('take / for all of what lies at the top of its snapshots', async () => {
      await restic('several', 'init');
      await hastenKey(at('several'));
      const folders = ['first', 'second'];
      for (const name of folders) {
        mkdirSync(at(name));
        writeFileSync(at(name, 'file'), name);
      }
      const options = { repository: at('several'), cwd: folder }; // paths that are relative stand at the top
      await runRestic(binary, ['backup', ...folders], options);
      const paths = folders.flatMap((name) => [`/${name}`, `/${name}/file`]);
      assert.equal(await done('several', 'ls latest /'), `${paths.join('\n')}\n`);
      assert.match(await done('several', `drill latest --scratch ${folder}`), /is proven: .*\(4 entries, /);
      await done('several', `restore latest --path / --to ${at('all-of-several')}`);
      for (const name of folders)
        assert.equal(readFileSync(at('all-of-several', name, 'file'), 'utf8'), name);
      const tar = await done('several', 'dump latest /');
      for (const name of folders) assert.ok(tar.includes(`${name}/file`), name);
    });

    test('keep out while restic has an exclusive lock, and go on when it is dead', async () => {
      const holder = await holdResticLock(binary, at('theirs'), ['check', '--read-data']);
      for (const line of [`backup ${media}`, 'snapshots', 'check', 'prune']) {
        const { status, stderr } = await run('theirs', line);
        assert.equal(status, 11, `${line}: ${stderr}`);
        assert.match(stderr, /is locked exclusively by \S+@/);
      }
      await done('theirs', 'ls latest:media --no-lock');
      assert.match(await done('theirs', 'unlock'), /no lock to remove/, 'it is not stale');
      await holder.kill();
      await done('theirs', 'check');
      assert.match(await done('theirs', 'unlock'), /no lock to remove/, 'who passed over it removed it');
    });

    test('back up and read beside a backup of restic, and do not prune', async () => {
      await using _ = await holdResticLock(binary, at('theirs'), ['backup', '--stdin']);
      await stored('theirs');
      await done('theirs', 'snapshots');
      for (const line of ['check', 'prune', 'forget --keep-last 1']) {
        const { status, stderr } = await run('theirs', line);
        assert.equal(status, 11, `${line}: ${stderr}`);
      }
    });

    test('read a repository of version 1, and refuse to write in it before anything is written', async () => {
      await restic('version-1', 'init --repository-version 1');
      await hastenKey(at('version-1'));
      await resticStored('version-1');
      assert.match(await done('version-1', 'ls latest'), /\/large$/m);
      assert.match(await done('version-1', 'check --read-data'), /no problem found/);
      await done('version-1', `restore latest --to ${at('of-version-1')}`);
      assertSame(join(at('of-version-1'), media));
      for (const line of [`backup ${media}`, 'tag latest --add x', 'pin latest', 'repair index', 'prune']) {
        const { status, stderr } = await run('version-1', line);
        assert.equal(status, 1, line);
        assert.match(
          stderr,
          /has format version 1, which is read only here\nhint: .*migrate upgrade_repo_v2/,
        );
      }
      assert.match(await done('version-1', 'snapshots'), /^1 snapshot$/m);
      await restic('version-1', 'check');
    });
  });
