// Prune, copy and a change of the password, killed at random moments; after each kill, every snapshot is whole for restic and
// for us, and the same command then does its work.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seededRandom } from '#lib/random.ts';
import { type CliResult, runCli, startCli } from './cli.ts';
import { randomBytes } from './random.ts';
import { makeRepository } from './repository.ts';
import { resticBinaries, runRestic } from './restic.ts';
import { temporaryFolder } from './temp.ts';

export interface KillCareOptions {
  /** Of each of the commands. */
  readonly kills: number;
  readonly seed: number;
  /** Which of the commands; all of them unless told. */
  readonly only?: CarefulName | undefined;
  readonly onRound?: (line: string) => void;
}

export type CarefulName = 'prune' | 'copy' | 'passwd';

const password = 'a password for tests';
const newPassword = 'another password for tests';
/** A machine that does much else may take minutes for what it does in a second. */
const patienceMs = 10 * 60_000;

/**
 * Throws at the first broken promise; returns how many kills came before the command had ended. One that came later is followed by one
 * that comes sooner.
 */
export const killCare = async ({ kills, seed, only, onRound }: KillCareOptions): Promise<number> => {
  const random = seededRandom(seed);
  const place = await prepare(random);
  let interrupted = 0;
  for (const [name, careful] of Object.entries({ prune, copy, passwd })) {
    if (only !== undefined && name !== only) continue;
    const { words, env, after } = careful(place);
    place.renew();
    const started = performance.now();
    await succeed(place, words, env);
    const wholeMs = performance.now() - started;
    for (let kill = 0; kill < kills; kill += 1) {
      let ms = wholeMs * (0.1 + random.next() * 0.8);
      for (const before = interrupted; interrupted === before; ms /= 2) {
        place.renew();
        const running = startCli(words, { env: environment(place, env) });
        const timer = setTimeout(() => running.process.kill('SIGKILL'), ms);
        const { signal } = await running.result;
        clearTimeout(timer);
        if (signal === 'SIGKILL') interrupted += 1;
        await after();
        onRound?.(
          `${name} killed after ${ms.toFixed(0)} of ${wholeMs.toFixed(0)} ms: ${signal ?? 'had ended'}`,
        );
      }
    }
  }
  return interrupted;
};

interface Place {
  readonly restic: string;
  /** The repository, and another one that holds nothing. */
  readonly repository: string;
  readonly other: string;
  readonly snapshots: readonly string[];
  /** Both as they were in the beginning. */
  renew(): void;
}

interface Careful {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What must hold after the kill, and that the work can then be done. */
  after(): Promise<void>;
}

const prune = (place: Place): Careful => {
  const words = ['prune', '--max-unused', '0%'];
  return {
    words,
    async after() {
      await assertWhole(place, place.repository, password);
      await succeed(place, words);
      await assertWhole(place, place.repository, password);
      assert.deepEqual(readdirSync(join(place.repository, 'snapshots')).toSorted(), place.snapshots);
    },
  };
};

const copy = (place: Place): Careful => {
  const words = ['copy', '--to', place.other];
  const env = { HOLDFAST_TO_PASSWORD: password };
  return {
    words,
    env,
    async after() {
      await assertWhole(place, place.repository, password);
      await assertWhole(place, place.other, password);
      await succeed(place, words, env);
      await assertWhole(place, place.other, password);
      assert.equal(readdirSync(join(place.other, 'snapshots')).length, place.snapshots.length);
    },
  };
};

const passwd = (place: Place): Careful => ({
  words: ['key', 'passwd'],
  env: { HOLDFAST_NEW_PASSWORD: newPassword },
  async after() {
    const works = async (word: string): Promise<boolean> =>
      (await run(place, ['snapshots', '--no-lock'], { HOLDFAST_PASSWORD: word })).status === 0;
    const opens = (await works(newPassword)) ? newPassword : password;
    await assertWhole(place, place.repository, opens);
    const again = { HOLDFAST_PASSWORD: opens, HOLDFAST_NEW_PASSWORD: 'a third one' };
    await succeed(place, ['key', 'passwd'], again);
    assert.deepEqual(readdirSync(join(place.repository, 'snapshots')).toSorted(), place.snapshots);
  },
});

/** For restic, every byte of it; the lock of the dead, which ours passes over, is taken away first. */
const assertWhole = async ({ restic }: Place, repository: string, word: string): Promise<void> => {
  await runRestic(restic, ['unlock'], { repository, password: word });
  await runRestic(restic, ['check', '--read-data'], { repository, password: word });
};

const environment = (
  { repository }: Pick<Place, 'repository'>,
  more: Readonly<Record<string, string>> = {},
) => ({
  HOLDFAST_PASSWORD: password,
  HOLDFAST_REPOSITORY: repository,
  HOLDFAST_CATALOG: join(repository, '..', 'catalog.db'),
  ...more,
});

const run = (
  place: Pick<Place, 'repository'>,
  words: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<CliResult> => runCli(words, { env: environment(place, env), timeoutMs: patienceMs });

const succeed = async (
  place: Pick<Place, 'repository'>,
  words: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<void> => {
  const { status, signal, stderr } = await run(place, words, env);
  assert.equal(status ?? signal, 0, `holdfast ${words.join(' ')}: ${stderr}`);
};

/** Two snapshots, and the leavings of a third one in packs that are partly used. */
const prepare = async (random: Random): Promise<Place> => {
  const folder = temporaryFolder('killed-care');
  const at = (name: string): string => join(folder, name);
  const place = { repository: at('repository') };
  mkdirSync(at('data'));
  for (let file = 0; file < 60; file += 1)
    writeFileSync(join(at('data'), `f${file}`), randomBytes(random, 200_000));
  for (const folder of [place.repository, at('other')]) await makeRepository(folder, password);
  await succeed(place, ['backup', at('data'), '--tag', 'first']);
  for (let file = 0; file < 60; file += 2)
    writeFileSync(join(at('data'), `f${file}`), randomBytes(random, 200_000));
  await succeed(place, ['backup', at('data')]);
  for (let file = 0; file < 60; file += 3) rmSync(join(at('data'), `f${file}`));
  await succeed(place, ['backup', at('data')]);
  await succeed(place, ['forget', '--keep-last', '2']);
  for (const name of ['repository', 'other']) cpSync(at(name), at(`${name}.kept`), { recursive: true });
  return {
    restic: (await resticBinaries()).old,
    repository: place.repository,
    other: at('other'),
    snapshots: readdirSync(join(place.repository, 'snapshots')).toSorted(),
    renew() {
      for (const name of ['repository', 'other']) {
        rmSync(at(name), { recursive: true });
        cpSync(at(`${name}.kept`), at(name), { recursive: true });
      }
    },
  };
};
