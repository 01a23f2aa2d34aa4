// Backups that are killed at random moments, and what must hold after each: every earlier snapshot is whole for restic and
// for us, and the next backup completes and uses what was stored.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '#lib/random.ts';
import { jsonLines, runCli, startCli } from './cli.ts';
import { randomBytes } from './random.ts';
import { makeRepository } from './repository.ts';
import { resticBinaries, runRestic } from './restic.ts';
import { temporaryFolder } from './temp.ts';

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Told what happened after each kill. */
  readonly onRound?: (line: string) => void;
}

export interface KillReport {
  /** Kills that came before the backup had ended. */
  readonly interrupted: number;
  /** Of these, the ones that left packs behind which the next backup used. */
  readonly reused: number;
}

const password = 'a password for tests';
/** Several packs, so that some are stored when the kill comes. */
const bytesPerRound = 72 * 1024 * 1024;
/** Beyond this the repository's oldest data would make each check slow: a new one is begun. */
const roundsPerRepository = 5;

/** Throws at the first broken promise. */
export const killBackups = async ({ kills, seed, onRound }: KillOptions): Promise<KillReport> => {
  const random = seededRandom(seed);
  const report = { interrupted: 0, reused: 0 };
  for (let done = 0; done < kills; done += roundsPerRepository)
    await killInOneRepository(random, Math.min(roundsPerRepository, kills - done), report, onRound);
  return report;
};

const killInOneRepository = async (
  random: ReturnType<typeof seededRandom>,
  kills: number,
  report: { interrupted: number; reused: number },
  onRound: KillOptions['onRound'],
): Promise<void> => {
  const folder = temporaryFolder('killed');
  const data = join(folder, 'data');
  const repository = join(folder, 'repository');
  const cli = {
    env: {
      HOLDFAST_PASSWORD: password,
      HOLDFAST_REPOSITORY: repository,
      HOLDFAST_CATALOG: join(folder, 'catalog.db'),
    },
  };
  const { old: restic } = await resticBinaries();
  const renew = (): void => {
    writeFileSync(join(data, 'big'), randomBytes(random, bytesPerRound));
    for (let file = 0; file < 50; file += 1)
      writeFileSync(join(data, `small-${file}`), randomBytes(random, 3000));
  };
  const succeed = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await runCli(args, cli);
    assert.equal(status, 0, `holdfast ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const snapshots = (): string[] => readdirSync(join(repository, 'snapshots'));
  const packs = (): string[] =>
    readdirSync(join(repository, 'data'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      /[0-9a-f]{64}$/.test(path),
    );

  mkdirSync(data);
  renew();
  await makeRepository(repository, password);
  const started = performance.now();
  await succeed('backup', data);
  const wholeMs = performance.now() - started;
  for (let kill = 0; kill < kills; kill += 1) {
    renew();
    const earlier = snapshots();
    const earlierPacks = new Set(packs());
    const running = startCli(['backup', data], cli);
    // By the clock, or so long after a number of its packs are stored: some kills shall come in the middle of the work.
    const afterPacks = random.integer(0, 4);
    const afterMs = random.next() * (afterPacks === 0 ? wholeMs : 30);
    const isDue = (): boolean => packs().filter((pack) => !earlierPacks.has(pack)).length >= afterPacks;
    const watch = setInterval(() => {
      if (!isDue()) return;
      clearInterval(watch);
      setTimeout(() => running.process.kill('SIGKILL'), afterMs);
    }, 2);
    const { signal } = await running.result;
    clearInterval(watch);
    const left = packs().filter((pack) => !earlierPacks.has(pack));
    assert.deepEqual(
      earlier.filter((id) => !snapshots().includes(id)),
      [],
      'no snapshot is lost',
    );
    await runRestic(restic, ['unlock'], { repository, password }); // the lock of the dead, which ours passes over
    await runRestic(restic, ['check'], { repository, password });
    await succeed('check');
    const added = addedBytes(await succeed('backup', '--json', data));
    const used = signal === 'SIGKILL' && left.length > 0;
    if (signal === 'SIGKILL') report.interrupted += 1;
    if (used) {
      report.reused += 1;
      assert.ok(
        added < bytesPerRound - 8 * 1024 * 1024 * left.length,
        `${left.length} packs were left, and still ${added} bytes were stored again`,
      );
    }
    onRound?.(
      `killed ${afterMs.toFixed(0)} ms after ${afterPacks} packs: ${signal ?? 'had ended'}, ${left.length} packs left, ${added} bytes added by the next`,
    );
  }
  await runRestic(restic, ['check', '--read-data'], { repository, password });
  await succeed('check', '--read-data');
};

/** What `backup --json` says was stored for its one source. */
const addedBytes = (output: string): number => {
  const done = jsonLines(output).find(({ message_type: type }) => type === 'source_done');
  assert.equal(typeof done?.data_added_packed, 'number', output);
  return done?.data_added_packed as number;
};
