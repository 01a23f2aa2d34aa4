// Tables stored by rows: whatever happens to them between two backups, each snapshot has all of its own.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Entry } from '#sources/source.ts';
import type { Snapshot } from '../contract.ts';
import { fileEntry, readFiles, storedBytes, type TestRepository, testRepository } from '../testing.ts';

const path = 'data/public.orders/0000.copy';

const rowsEntry = (rows: readonly string[]): Entry => ({
  ...fileEntry(path, Buffer.from(rows.join(''))),
  chunking: 'rows',
});

async function* oneEntry(entry: Entry): AsyncGenerator<Entry> {
  yield entry;
}

const sorted = (bytes: Uint8Array | undefined): string[] =>
  Buffer.from(bytes ?? [])
    .toString()
    .split('\n')
    .sort();

const row = (random: Random, id: number): string =>
  `${id}\t${'orders of kelp '.repeat(random.integer(3, 9))}${random.integer(0, 2 ** 48)}\n`;

const tableOf = (random: Random, count: number): string[] =>
  Array.from({ length: count }, (_, id) => row(random, id));

/** Writes the states of a table one after the other, and says what each stored. */
const backedUp = async (repository: TestRepository, states: readonly (readonly string[])[]) => {
  const written: { snapshot: Snapshot; storedBytes: number }[] = [];
  for (const state of states) {
    const parent = written.at(-1)?.snapshot;
    const before = await storedBytes(repository.store);
    const { snapshot } = await repository.write(oneEntry(rowsEntry(state)), parent && { parent });
    assert.ok(snapshot);
    written.push({ snapshot, storedBytes: (await storedBytes(repository.store)) - before });
  }
  return written;
};

/** What a state becomes: a hundredth of its rows changed, some gone, some new, some doubled, all in another order. */
const changed = (random: Random, state: readonly string[]): string[] => {
  const next = state.flatMap((line, at) => {
    if (random.chance(0.01)) return [row(random, at)];
    if (random.chance(0.002)) return [];
    return random.chance(0.002) ? [line, line] : [line];
  });
  for (let more = random.integer(0, 50); more > 0; more -= 1) next.push(row(random, state.length + more));
  const cut = random.integer(0, next.length);
  return [...next.slice(cut), ...next.slice(0, cut)];
};

suite('tables stored by rows', () => {
  test('each snapshot has all rows of its state, and stores those that changed', async () => {
    const random = seededRandom('rows');
    const repository = await testRepository();
    const states = [tableOf(random, 20_000)];
    for (let at = 1; at < 12; at += 1) states.push(changed(random, states[at - 1] as string[]));
    const written = await backedUp(repository, states);
    await using open = await repository.open();
    for (const [at, { snapshot }] of written.entries()) {
      const state = states[at] as string[];
      const [entry] = (await Array.fromAsync(open.list(snapshot))).filter(({ type }) => type === 'file');
      assert.equal(entry?.path, `test/${path}`);
      assert.equal(entry.meta.size, Buffer.byteLength(state.join('')));
      assert.deepEqual(
        sorted((await readFiles(open, snapshot)).get(`test/${path}`)),
        sorted(Buffer.from(state.join(''))),
        `state ${at}`,
      );
    }
    const [first, ...others] = written.map((each) => each.storedBytes);
    for (const stored of others) assert.ok(stored < 0.05 * (first as number), `${stored} of ${first}`);
    assert.deepEqual((await repository.check()).problems, []);
  });
});
