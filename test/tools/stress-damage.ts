// Damage that the random driver plants, and what must come of it: a check names it, nothing restores wrongly in silence, and
// repair, however often it is killed, brings back all that the damage did not reach.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '#lib/random.ts';
import type { Operation, Stress } from './stress-operations.ts';
import { compareContent, judgeAll, judgeRestore, listSnapshots, succeed } from './stress-oracle.ts';
import { restoring } from './stress-place.ts';

interface Damage {
  readonly kind: 'data' | 'index' | 'snapshots';
  readonly how: 'flip' | 'cut' | 'delete';
  readonly name: string;
}

interface Work {
  /** Some commands at once, which know nothing of the damage. */
  round(): Promise<void>;
  /** One that may be killed. */
  perform(operation: Operation): Promise<void>;
}

/** Nobody is running and nothing is damaged, before and after. */
export const damageAndRepair = async (
  stress: Stress,
  random: Random,
  { round, perform }: Work,
): Promise<void> => {
  await succeed(stress, 'holdfast', ['prune', '--max-unused', '0%']); // so that every pack is listed and used
  const kind = random.pick<Damage['kind']>(['data', 'data', 'index', 'snapshots']);
  const how = random.pick<Damage['how']>(['flip', 'cut', 'delete']);
  const count = kind === 'data' ? random.integer(1, 3) : 1;
  const damages = Array.from({ length: count }, () => plant(stress, random, kind, how));
  stress.damage = kind === 'data' && how === 'flip' ? 'hidden' : 'open';
  stress.counts.damages += damages.length;
  await assertNamed(stress, damages);
  const touched = kind === 'data' ? await touchedLabels(stress) : new Set<string>();
  stress.note(`touched: ${[...touched].join(', ')}`);
  if (random.chance(0.75)) await round();
  for (const step of kind === 'index' ? ['index', 'packs', 'snapshots'] : ['packs', 'index', 'snapshots']) {
    const words = ['repair', step];
    for (let attempt = random.integer(0, 3); attempt > 0; attempt -= 1)
      await perform({ tool: 'holdfast', words });
    await succeed(stress, 'holdfast', words, [0, 3]);
  }
  stress.damage = 'none';
  await succeed(stress, 'holdfast', ['unlock']); // restic does not pass over the locks of the dead
  for (const seen of await listSnapshots(stress)) {
    if (!seen.tags.includes('repaired')) continue;
    const isExplained = touched.has(seen.label) || !stress.promised.has(seen.label);
    assert.ok(isExplained, `${seen.label} lost files that no damage had reached`);
    if (seen.source.startsWith('data')) await judgeRestore(stress, seen);
    await succeed(stress, 'holdfast', ['forget', seen.id, '--force']);
  }
  for (const label of touched) stress.promised.delete(label);
  await judgeAll(stress, random);
};

const plant = (
  { place, present, promised, note }: Stress,
  random: Random,
  kind: Damage['kind'],
  how: Damage['how'],
): Damage => {
  const files = readdirSync(join(place.repository, kind), { recursive: true, withFileTypes: true });
  const objects = files.filter((each) => each.isFile() && /^[0-9a-f]{64}$/.test(each.name));
  const { name, parentPath } = random.pick(objects.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  const path = join(parentPath, name);
  const bytes = readFileSync(path);
  const at = random.integer(0, bytes.length);
  if (how === 'delete') rmSync(path);
  else if (how === 'cut') truncateSync(path, at);
  else writeFileSync(path, bytes.fill((bytes[at] ?? 0) ^ (1 << random.integer(0, 8)), at, at + 1));
  for (const { id, label } of present) if (id === name) promised.delete(label);
  note(`planted: ${how} ${kind}/${name} at ${at} of ${bytes.length}`);
  return { kind, how, name };
};

/** Our check names what is damaged, as far as anybody can know of it, and no pack beside it. */
const assertNamed = async (stress: Stress, damages: readonly Damage[]): Promise<void> => {
  const isGone = (what: Damage['kind']): boolean =>
    damages.every(({ kind, how }) => kind === what && how === 'delete');
  // What an index that is gone has listed another may list as well, after a command was killed.
  const statuses = isGone('snapshots') ? [0] : isGone('index') ? [0, 1] : [1];
  const said = await succeed(stress, 'holdfast', ['check', '--read-data'], statuses);
  for (const { kind, how, name } of damages)
    if (kind === 'data' || how !== 'delete')
      assert.ok(said.includes(name), `no check names ${name}: ${said}`);
  for (const [, pack] of said.matchAll(/data\/[0-9a-f]{2}\/([0-9a-f]{64})/g))
    assert.ok(
      damages.some(({ name }) => name === pack),
      `pack ${pack} is named and whole: ${said}`,
    );
};

/** Of snapshots that restic cannot restore. What restic can, we can; and what we restore without an error is right. */
const touchedLabels = async (stress: Stress): Promise<Set<string>> => {
  const touched = new Set<string>();
  for (const [seen, ...alike] of Map.groupBy(stress.present, ({ tree }) => tree).values()) {
    if (!seen) continue;
    const [ours, theirs] = await Promise.all(
      (['holdfast', 'new'] as const).map(async (tool) => {
        const { words, take } = restoring(stress.place, tool, seen);
        const result = await stress.place.run(tool, words);
        compareContent(stress, seen, take(result), words.join(' '));
        return result;
      }),
    );
    if (theirs?.status === 0)
      assert.equal(ours?.status, 0, `only restic restores ${seen.label}: ${ours?.stderr}`);
    else for (const { label } of [seen, ...alike]) touched.add(label);
  }
  return touched;
};
