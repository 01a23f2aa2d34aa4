// The oracle of the random driver: what must be in the repository, told from nothing but how commands ended and what the sources
// held. A snapshot whose command ended well is there until somebody forgets it.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '#lib/random.ts';
import { type CliResult, jsonLines } from './cli.ts';
import type { Door, Operation, Seen, Stress } from './stress-operations.ts';
import { type Content, restoring, type Tool } from './stress-place.ts';

/** Documented, and explained by what was done: nobody ends by himself with a signal, or with an error where nothing is wrong. */
export const judgeEnd = (
  stress: Stress,
  operation: Operation,
  result: CliResult,
  sent?: NodeJS.Signals,
): void => {
  const { tool, words, statuses = [] } = operation;
  const { status, signal, stderr } = result;
  const isDamaged = stress.damage !== 'none';
  if (tool === 'holdfast') {
    const what = `holdfast ${words.join(' ')} ended with ${status ?? signal}: ${stderr}`;
    const allowed = [
      0,
      11,
      ...statuses,
      ...(isDamaged ? [1, 3, 14] : []),
      ...(sent === 'SIGTERM' ? [130] : []),
    ];
    assert.ok(status === undefined ? signal === sent : allowed.includes(status), what);
    if (status === 1 && !isDamaged) assert.match(stderr, /no snapshot/, what);
  }
  operation.ended?.(result);
  const endedWell = status === 0 || (status === 3 && statuses.includes(3));
  stress.ended.push({ operation, endedWell: endedWell && stress.damage !== 'hidden' });
};

/** Nobody is running and nothing is damaged: throws unless everything holds that was promised. */
export const judgeAll = async (stress: Stress, random: Random): Promise<void> => {
  await succeed(stress, random.pick(['holdfast', 'old', 'new']), ['unlock']);
  const locks = readdirSync(join(stress.place.repository, 'locks'));
  assert.deepEqual(
    locks.filter((name) => /^[0-9a-f]{64}$/.test(name)),
    [],
    'locks of the dead stay',
  );
  await succeed(stress, 'holdfast', ['check', '--read-data']);
  await succeed(stress, random.pick(['old', 'new']), ['check', '--read-data']);
  const listed = await listSnapshots(stress);
  judgePromises(stress, listed);
  await judgeDoors(stress);
  const known = new Set(stress.present.map(({ tree }) => tree)); // what a tree holds its id tells
  const fresh = Map.groupBy(listed, ({ tree }) => tree).values();
  for (const [seen] of fresh) if (seen && !known.has(seen.tree)) await judgeRestore(stress, seen);
  if (listed.length > 0) await judgeRestore(stress, random.pick(listed));
  const number = ({ label }: Seen): number => Number(label.replace(/\D/g, ''));
  stress.present = listed.toSorted((a, b) => number(a) - number(b));
};

/** Throws unless the command ends with 0, or one of these. */
export const succeed = async (
  { place, note }: Stress,
  tool: Tool,
  words: readonly string[],
  statuses: readonly number[] = [0],
): Promise<string> => {
  const { status, signal, stdout, stderr } = await place.run(tool, words);
  note(`judge: ${status ?? signal}: ${tool} ${words.join(' ')}`);
  const said = `${stdout}${stderr}`;
  assert.ok(
    statuses.includes(status ?? -1),
    `${tool} ${words.join(' ')} ended with ${status ?? signal}: ${said}`,
  );
  return said;
};

export const listSnapshots = async ({ place, backups }: Stress): Promise<Seen[]> => {
  const { stdout } = await place.run('new', ['snapshots', '--json', '--no-lock']);
  return (JSON.parse(stdout) as Record<string, unknown>[]).map((snapshot) => {
    const tags = (snapshot.tags ?? []) as string[];
    const label =
      tags.find((tag) => backups.has(tag)) ?? assert.fail(`of nobody: ${JSON.stringify(snapshot)}`);
    return {
      ...{ id: String(snapshot.id), tree: String(snapshot.tree), label, tags },
      source: backups.get(label)?.source ?? '',
      group: JSON.stringify([snapshot.hostname, snapshot.paths]),
      timeMs: Date.parse(String(snapshot.time)),
    };
  });
};

/** It is restored as it was, by restic and by us; of a repaired snapshot, files may be missing. */
export const judgeRestore = async (stress: Stress, seen: Seen): Promise<void> => {
  for (const tool of ['holdfast', 'new'] as const) {
    const { words, take } = restoring(stress.place, tool, seen);
    const result = await stress.place.run(tool, words);
    const what = `${tool} ${words.join(' ')}, ${seen.label}`;
    compareContent(stress, seen, take(result), what);
    assert.equal(result.status, 0, `${what}: ${result.stdout}${result.stderr}`);
    stress.counts.restores += 1;
  }
};

/** Nothing to compare is not wrong. */
export const compareContent = (
  { backups }: Stress,
  { label, tags }: Seen,
  found: Content | undefined,
  what: string,
): void => {
  const expected = backups.get(label)?.content ?? assert.fail(`${label} is unknown`);
  for (const [path, sum] of found ?? [])
    assert.equal(sum, expected.get(path), `${what}: ${path} is another file`);
  if (!found || tags.includes('repaired')) return;
  const missing = [...expected.keys()].filter((path) => !found.has(path));
  assert.deepEqual(missing, [], `${what}: files are missing`);
};

/** Whatever is there now is promised from now on. */
const judgePromises = ({ ended, promised, present }: Stress, listed: readonly Seen[]): void => {
  const labels = new Set(listed.map(({ label }) => label));
  const mayBeGone = forgettable(ended, present);
  for (const { operation, endedWell } of ended.splice(0)) {
    if (!endedWell) continue;
    for (const label of operation.adds ?? []) promised.add(label);
    const isThere = listed.some(({ id }) => id === operation.removes?.id);
    assert.ok(!isThere, `${operation.removes?.id} was forgotten and is there`);
  }
  for (const label of promised)
    assert.ok(labels.has(label) || mayBeGone.has(label), `the snapshot of ${label} is lost`);
  promised.clear();
  for (const label of labels) promised.add(label);
};

/** In which order the commands worked nobody knows: rules met none at least, and all at most, of what the others stored. */
const forgettable = (ended: Stress['ended'], present: readonly Seen[]): ReadonlySet<string> => {
  const operations = ended.map(({ operation }) => operation);
  const gone = new Set(operations.flatMap(({ removes }) => removes?.label ?? []));
  const added = operations.flatMap(({ adds = [] }) => adds);
  const newer = added.length + operations.filter(({ rewrites }) => rewrites).length;
  for (const { keepLast } of operations) {
    if (keepLast === undefined) continue;
    for (const group of Map.groupBy(present, (seen) => seen.group).values()) {
      const older = group.toSorted((a, b) => b.timeMs - a.timeMs).slice(Math.max(0, keepLast - newer));
      for (const { label, tags } of older) if (!tags.includes('pinned')) gone.add(label);
    }
    for (const label of added) if (label.startsWith('other') || newer > keepLast) gone.add(label);
  }
  return gone;
};

/** Each password opens that should, none that should not; keys that commands left when they were killed are taken away. */
const judgeDoors = async (stress: Stress): Promise<void> => {
  const { place } = stress;
  const keyOf = async (password?: string): Promise<string | undefined> => {
    const options = password === undefined ? {} : { password };
    const { status, stdout, stderr } = await place.run('holdfast', ['key', 'list', '--json'], options);
    assert.ok(status === 0 || status === 12, stderr);
    return jsonLines(stdout).find(({ current }) => current === true)?.id as string | undefined;
  };
  const open: Door[] = [];
  for (const { candidates, removal } of stress.doors) {
    const ids = await Promise.all(candidates.map(keyOf));
    const at = ids.findLastIndex((id) => id !== undefined);
    if (removal !== 'begun') assert.equal(at >= 0, removal === 'none', `${candidates}, removal ${removal}`);
    if (at >= 0) open.push({ candidates: [candidates[at] ?? ''], id: ids[at] ?? '', removal: 'none' });
  }
  stress.doors = open;
  const known = [await keyOf(), ...open.map(({ id }) => id)];
  const keys = join(place.repository, 'keys');
  for (const id of readdirSync(keys)) if (!known.includes(id)) rmSync(join(keys, id));
};
