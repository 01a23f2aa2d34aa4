// A disk that fills up costs no snapshot; with room made the next backup goes on and uses what was stored.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { exitStatus, HoldfastError } from '#lib/errors.ts';
import { seededRandom } from '#lib/random.ts';
import { memoryEntries, readFiles, testRepository, writeOptions } from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { runCli } from './tools/cli.ts';
import { randomBytes } from './tools/random.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

const mebibyte = 1024 * 1024;

/** A file system of that size, for as long as the caller holds it. */
const smallDisk = (megabytes: number): Disposable & { readonly path: string } => {
  const path = temporaryFolder('small-disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  return { path, [Symbol.dispose]: () => execFileSync('umount', [path]) };
};

/** Why no file system can be mounted here. */
const skip = ((): string | false => {
  if (process.getuid?.() !== 0) return 'needs root, to mount a small file system';
  try {
    const folder = temporaryFolder('mount');
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder]);
    return false;
  } catch {
    return 'cannot mount a file system here';
  }
})();

suite('a full disk', { skip }, () => {
  test('ends the backup with STORE_FULL; earlier snapshots stay whole, and with room the next one goes on', async () => {
    using disk = smallDisk(64);
    const random = seededRandom('full');
    const earlier = { first: randomBytes(random, 3 * mebibyte) };
    const large = randomBytes(random, 40 * mebibyte);
    writeFileSync(join(disk.path, 'in the way'), randomBytes(random, 25 * mebibyte));
    await using store = openLocalStore(join(disk.path, 'repository'));
    const repository = await testRepository(store);
    const { snapshot } = await repository.write(memoryEntries(earlier));
    const backUp = async (): ReturnType<typeof repository.write> => {
      await using opened = await repository.open({ lock: 'shared' });
      return await opened.write(memoryEntries({ large }), writeOptions());
    };
    await assert.rejects(backUp(), (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.deepEqual([error.code, exitStatus(error)], ['STORE_FULL', 14]);
      assert.ok(error.message.startsWith(`${disk.path}/repository: cannot write data/`), error.message);
      assert.ok(error.hint);
      return true;
    });
    {
      await using opened = await repository.open({ lock: 'exclusive' }); // the lock was removed, and a new one fits
      const files = await readFiles(opened, snapshot!, { root: 'test' });
      assert.ok(files.get('first')?.equals(earlier.first));
      assert.equal((await opened.snapshots()).length, 1);
    }
    assert.deepEqual((await repository.check()).problems, []);
    if (skipWithoutRestic() === undefined)
      await runRestic((await resticBinaries()).new, ['check', '--read-data', '--no-lock'], {
        repository: store.localFolder,
      });

    rmSync(join(disk.path, 'in the way'));
    const { summary } = await backUp();
    assert.ok(summary.dataAdded <= 25 * mebibyte, `${summary.dataAdded} bytes were stored again`);
    const { problems, snapshots } = await repository.check();
    assert.deepEqual([problems, snapshots], [[], 2]);
  });

  test('ends the command with status 14 and says what to do', async () => {
    using disk = smallDisk(24);
    const folder = temporaryFolder('full-cli');
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'large'), randomBytes(seededRandom('cli'), 30 * mebibyte));
    const env = {
      HOLDFAST_REPOSITORY: join(disk.path, 'repository'),
      HOLDFAST_PASSWORD: 'a password for tests',
      HOLDFAST_CATALOG: join(folder, 'catalog.db'),
    };
    assert.equal((await runCli(['init'], { env })).status, 0);
    const { status, stderr } = await runCli(['backup', join(folder, 'data')], { env });
    assert.equal(status, 14, stderr);
    assert.match(stderr, /no space left/i);
    assert.equal((await runCli(['check'], { env })).status, 0);
  });

  test('on which not even a lock fits says so', async () => {
    using disk = smallDisk(8);
    await using store = openLocalStore(join(disk.path, 'repository'));
    const repository = await testRepository(store);
    const { snapshot } = await repository.write(memoryEntries({ small: 'small' }));
    try {
      writeFileSync(join(disk.path, 'in the way'), Buffer.alloc(8 * mebibyte));
    } catch {} // it is full now
    await assert.rejects(repository.open({ lock: 'shared' }), { code: 'STORE_FULL' });
    await using opened = await repository.open();
    assert.equal((await readFiles(opened, snapshot!)).size, 1);
  });
});
