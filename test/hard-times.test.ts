// Stores that fail again and again, and several processes at one repository: no snapshot is lost, and no lock stays in the way.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { type CliResult, runCli } from './tools/cli.ts';
import { hardTimes } from './tools/hard-times.ts';
import { randomBytes } from './tools/random.ts';
import { makeRepository } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithoutRestic();

suite('hard times', { skip: skip ?? false }, () => {
  test('of a store where one call in twenty fails, in every way: what was reported as stored is there', async () => {
    const { done, snapshots } = await hardTimes({ seed: 20, simulatedMinutes: 8 });
    assert.ok(done > 0 && snapshots > 0);
  });

  test('two backups and a prune at once, from three processes, take turns and lose nothing', async () => {
    const random = seededRandom('three processes');
    const folder = temporaryFolder('three-processes');
    const env = { HOLDFAST_PASSWORD: 'p', HOLDFAST_REPOSITORY: join(folder, 'repository') };
    const run = (line: string, catalog: string): Promise<CliResult> =>
      runCli(line.split(' '), { env: { ...env, HOLDFAST_CATALOG: join(folder, catalog) } });
    await makeRepository(join(folder, 'repository'), 'p');
    const rounds = 3;
    for (let round = 0; round < rounds; round += 1) {
      for (const source of ['one', 'two']) {
        mkdirSync(join(folder, source), { recursive: true });
        for (let file = 0; file < 10; file += 1)
          writeFileSync(join(folder, source, `${file}`), randomBytes(random, 300_000));
      }
      const results = await Promise.all([
        run(`backup ${folder}/one`, 'a.db'),
        run(`backup ${folder}/two`, 'b.db'),
        run('prune --max-unused 0% --retry-lock 1m', 'c.db'),
      ]);
      // A backup that meets the prune is told so, with the status for it, and works the next time.
      for (const [at, { status, stderr }] of results.entries()) {
        assert.ok(status === 0 || status === 11, stderr);
        const source = ['one', 'two'][at];
        if (status === 11 && source)
          assert.equal((await run(`backup ${folder}/${source}`, 'a.db')).status, 0);
      }
    }
    const { old, new: newest } = await resticBinaries();
    assert.equal(readdirSync(join(folder, 'repository', 'locks')).length, 0);
    assert.equal(readdirSync(join(folder, 'repository', 'snapshots')).length, 2 * rounds);
    for (const restic of [old, newest])
      await runRestic(restic, ['check', '--read-data'], {
        repository: env.HOLDFAST_REPOSITORY,
        password: env.HOLDFAST_PASSWORD,
      });
  });
});
