// A disk that fills up costs no snapshot; with room made the next backup goes on and uses what was stored.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { exitStatus, HoldfastError } from '#lib/errors.ts';
import { seededRandom } from '#lib/random.ts';
import {
  type MemoryEntry,
  memoryEntries,
  readFiles,
  storedBytes,
  testRepository,
  writeOptions,
} from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { runCli } from './tools/cli.ts';
import { randomBytes } from './tools/random.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { skipWithoutSmallDisk, smallDisk } from './tools/small-disk.ts';
import { temporaryFolder } from './tools/temp.ts';

const mebibyte = 1024 * 1024;

const diskOf = (mebibytes: number) => smallDisk(temporaryFolder('small-disk'), `size=${mebibytes}m`);

/** Takes what room there is but for a mebibyte, while others write too. */
const fill = (path: string): void => {
  const { bavail, bsize } = statfsSync(dirname(path));
  try {
    writeFileSync(path, Buffer.alloc(bavail * bsize - mebibyte));
  } catch {
    truncateSync(path, statSync(path).size - mebibyte);
  }
};

suite('a full disk', { skip: skipWithoutSmallDisk() }, () => {
  test('ends the backup with STORE_FULL; earlier snapshots stay whole, and with room the next one goes on', async () => {
    using disk = diskOf(400);
    const random = seededRandom('full');
    const earlier = { first: randomBytes(random, 3 * mebibyte) };
    await using store = openLocalStore(join(disk.path, 'repository'));
    const repository = await testRepository(store);
    const { snapshot } = await repository.write(memoryEntries(earlier));
    const earlierBytes = await storedBytes(store, 'data/');
    const pieces: Buffer[] = [];
    // When a pack of it is stored something else fills the disk: packs that meet its end at the same moment would all be lost.
    const growing = async function* (): AsyncGenerator<Uint8Array> {
      for (let isFull = false; ; ) {
        const piece = randomBytes(random, mebibyte);
        pieces.push(piece);
        yield piece;
        if (isFull || (await storedBytes(store, 'data/')) === earlierBytes) continue;
        fill(join(disk.path, 'in the way'));
        isFull = true;
      }
    };
    const backUp = async (large: MemoryEntry): ReturnType<typeof repository.write> => {
      await using opened = await repository.open({ lock: 'shared' });
      return await opened.write(memoryEntries({ large }), writeOptions());
    };
    await assert.rejects(backUp(growing), (error) => {
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
    const large = Buffer.concat(pieces);
    const stored = (await storedBytes(store, 'data/')) - earlierBytes;
    const { summary } = await backUp(large);
    assert.ok(stored > 15 * mebibyte);
    const again = summary.dataAdded - (large.length - stored);
    assert.ok(again < 100_000, `${again} bytes were stored again`);
    const { problems, snapshots } = await repository.check();
    assert.deepEqual([problems, snapshots], [[], 2]);
  });

  test('ends the command with status 14 and says what to do', async () => {
    using disk = diskOf(24);
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
    using disk = diskOf(8);
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
