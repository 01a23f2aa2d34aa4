// A repository in a store that fails one call in twenty, in every way that stores fail, for a while of simulated time:
// backups, forgetting and pruning, some of which fail. Whatever was reported as stored must be there afterwards.
import assert from 'node:assert/strict';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import { jumpingClock } from '#lib/testing.ts';
import type { Snapshot } from '#repository/contract.ts';
import {
  memoryEntries,
  neverFires,
  openTestRepository,
  readFiles,
  type TestRepository,
  testPassword,
  testRepository,
  writeOptions,
} from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import type { Store } from '#stores/store.ts';
import { type FaultKind, faultKinds, withFaults } from '#stores/wrappers/faults.ts';
import { passOn } from '#stores/wrappers/pass-on.ts';
import { withRetry } from '#stores/wrappers/retry.ts';
import { randomBytes } from './random.ts';
import { resticBinaries, runRestic } from './restic.ts';
import { temporaryFolder } from './temp.ts';

export interface HardTimesOptions {
  readonly seed: number;
  readonly simulatedMinutes: number;
  readonly onRound?: (line: string) => void;
}

export interface HardTimesReport {
  readonly done: number;
  readonly failed: number;
  readonly snapshots: number;
}

type Tree = Record<string, Buffer>;

/** Throws at the first broken promise. */
export const hardTimes = async (options: HardTimesOptions): Promise<HardTimesReport> => {
  const random = seededRandom(options.seed);
  const folder = temporaryFolder('hard-times');
  const { new: restic } = await resticBinaries();
  await using calm = passOn(openLocalStore(folder)); // without a local folder: every byte goes through the faults
  const repository = await testRepository(calm);
  const stored = new Map<string, Tree>();
  const clock = jumpingClock();
  const end = clock.now().getTime() + options.simulatedMinutes * 60_000;
  const counts = { done: 0, failed: 0 };
  let tree: Tree = {};
  for (let round = 0; clock.now().getTime() < end; round += 1) {
    const seed = `${options.seed} ${round}`;
    const bad = openTestRepository(failing(calm, seed, faultKinds, clock), repository.key);
    const doing = random.pick(['backup', 'backup', 'backup', 'forget', 'prune']);
    try {
      if (doing === 'backup') {
        tree = changed(tree, random);
        const snapshot = await backUp(bad, tree, round);
        stored.set(snapshot.id, tree);
      } else if (doing === 'forget') await forgetOne(bad, stored, random);
      else await prune(bad);
      counts.done += 1;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      counts.failed += 1;
      options.onRound?.(`${doing}: ${error.code} ${messageOf(error)}`);
    }
  }
  await assertAllThere(repository, stored);
  await prune(repository); // no lock is left that would be in its way
  await assertAllThere(repository, stored);
  await runRestic(restic, ['check', '--read-data'], { repository: folder, password: testPassword });
  return { ...counts, snapshots: stored.size };
};

const failing = (
  store: Store,
  seed: string,
  kinds: readonly FaultKind[],
  clock: ReturnType<typeof jumpingClock>,
): Store =>
  withRetry(withFaults(store, { seed, rate: 0.05, kinds, clock }), {
    clock,
    random: seededRandom(seed),
    log: silentLog,
    signal: neverFires,
  });

/** Some files more, some changed, some gone. */
const changed = (tree: Tree, random: Random): Tree => {
  const next = { ...tree };
  for (let file = 0; file < 6; file += 1)
    next[`folder ${random.integer(0, 4)}/file ${random.integer(0, 12)}`] = randomBytes(
      random,
      random.integer(1, 300_000),
    );
  for (const path of Object.keys(next)) if (random.chance(0.1)) delete next[path];
  return next;
};

const backUp = async (repository: TestRepository, tree: Tree, round: number): Promise<Snapshot> => {
  await using opened = await repository.open({ lock: 'shared' });
  const time = new Date(Date.UTC(2026, 0, 1) + round * 60_000);
  const { snapshot } = await opened.write(memoryEntries(tree), writeOptions({ time, concurrency: 4 }));
  assert.ok(snapshot);
  return snapshot;
};

/** What was asked to be forgotten may be gone, even when the answer was lost. */
const forgetOne = async (
  repository: TestRepository,
  stored: Map<string, Tree>,
  random: Random,
): Promise<void> => {
  await using opened = await repository.open({ lock: 'exclusive' });
  const snapshots = await opened.snapshots();
  if (snapshots.length < 4) return;
  const snapshot = random.pick(snapshots);
  stored.delete(snapshot.id);
  await opened.forget(snapshot);
};

const prune = async (repository: TestRepository): Promise<void> => {
  await using opened = await repository.open({ lock: 'exclusive' });
  await opened.prune({ maxUnused: { share: 0.05 } });
};

const assertAllThere = async (
  repository: TestRepository,
  stored: ReadonlyMap<string, Tree>,
): Promise<void> => {
  assert.deepEqual((await repository.check()).problems, []);
  await using opened = await repository.open();
  const snapshots = new Map((await opened.snapshots()).map((snapshot) => [snapshot.id, snapshot]));
  for (const [id, tree] of stored) {
    const snapshot = snapshots.get(id);
    assert.ok(snapshot, `snapshot ${id} was reported as stored and is lost`);
    const files = await readFiles(opened, snapshot, { root: 'test' });
    assert.equal(files.size, Object.keys(tree).length);
    for (const [path, content] of Object.entries(tree))
      assert.ok(files.get(path)?.equals(content), `${path} of ${id}`);
  }
};
