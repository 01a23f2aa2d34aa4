// Tables stored by rows: whatever happens to them between two backups, each snapshot has all of its own.

import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Entry } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { withCache } from '#stores/wrappers/cache.ts';
import { passOn } from '#stores/wrappers/pass-on.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { Snapshot } from '../contract.ts';
import { fileEntry, readFiles, storedBytes, type TestRepository, testRepository } from '../testing.ts';

const path = 'data/public.orders/0000.copy';

const rowsEntry = (rows: readonly string[]): Entry => ({
  ...fileEntry(path, Buffer.from(rows.join(''))),
  chunking: 'lines',
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

  test('a table that was expected to be larger is stored by rows all the same, and once', async () => {
    const random = seededRandom('expected');
    const repository = await testRepository();
    const rows = tableOf(random, 5_000);
    const expected = (state: readonly string[]): Entry => ({
      ...rowsEntry(state),
      meta: { size: 3 * 1024 * 1024 },
    });
    let parent: Snapshot | undefined;
    const added: number[] = [];
    const states = [rows, rows, rows.with(7, row(random, 7))];
    for (const state of states) {
      const { snapshot, summary } = await repository.write(oneEntry(expected(state)), parent && { parent });
      parent = snapshot;
      added.push(summary.dataAdded);
    }
    assert.equal(added[1], 0);
    assert.ok((added[2] as number) < 0.02 * (added[0] as number), added.join());
    await using open = await repository.open();
    const read = (await readFiles(open, parent as Snapshot)).get(`test/${path}`);
    assert.deepEqual(sorted(read), sorted(Buffer.from((states[2] as string[]).join(''))));
  });

  test('of a distant table, rows are fetched once, and then their prints are at hand', async () => {
    const random = seededRandom('prints');
    const store = memoryStore();
    const fetched: number[] = [];
    const counting: Store = {
      ...passOn(store),
      async get(key, range) {
        const bytes = await store.get(key, range);
        if (key.startsWith('data/')) fetched[fetched.length - 1] = (fetched.at(-1) ?? 0) + bytes.length;
        return bytes;
      },
    };
    const folder = temporaryFolder('prints');
    const repository = await testRepository(withCache(counting, { folder, log: silentLog }));
    const states = [tableOf(random, 20_000)];
    for (let at = 1; at < 4; at += 1) states.push(changed(random, states[at - 1] as string[]));
    const written: Snapshot[] = [];
    for (const state of states) {
      fetched.push(0);
      const parent = written.at(-1);
      const { snapshot } = await repository.write(oneEntry(rowsEntry(state)), parent && { parent });
      if (snapshot) written.push(snapshot);
    }
    const [, second = 0, ...later] = fetched;
    assert.ok(second > 200_000, `${fetched}`);
    for (const bytes of later) assert.ok(bytes < 20_000, `${fetched}`);

    const notes = join(folder, readdirSync(folder)[0] ?? '', 'notes');
    const [one = '', other = ''] = readdirSync(notes).map((name) => join(notes, name));
    copyFileSync(one, `${other}.swapped`);
    renameSync(other, one);
    renameSync(`${other}.swapped`, other);
    const state = changed(random, states.at(-1) as string[]);
    const { snapshot } = await repository.write(oneEntry(rowsEntry(state)), {
      parent: written.at(-1) as Snapshot,
    });
    await using open = await repository.open();
    const bytes = (await readFiles(open, snapshot as Snapshot)).get(`test/${path}`);
    assert.deepEqual(sorted(bytes), sorted(Buffer.from(state.join(''))));
  });

  test('are files to a diff and a filter, however they are stored', async () => {
    const random = seededRandom('diff');
    const repository = await testRepository();
    const state = tableOf(random, 12_000);
    const states = [state, state.slice(3), state.slice(2), state.slice(2), []];
    const written = await backedUp(repository, states);
    await using open = await repository.open();
    const differences: string[] = [];
    for (let at = 1; at < written.length; at += 1) {
      const [before, after] = [written[at - 1], written[at]] as { snapshot: Snapshot }[];
      for await (const { path, change, before: old, after: young } of open.diff(
        before?.snapshot as Snapshot,
        after?.snapshot as Snapshot,
        { metadata: true },
      ))
        differences.push(`${at} ${change} ${path} ${old?.type} ${young?.type}`);
    }
    const full = `test/${path}`;
    assert.deepEqual(
      differences,
      [1, 2, 4].map((at) => `${at} content ${full} file file`),
    );
    const seen: string[] = [];
    const include = (at: string, type: string): boolean => {
      seen.push(`${type} ${at}`);
      return type === 'dir';
    };
    const listed = await Array.fromAsync(
      open.list(written[1]?.snapshot as Snapshot, { include }),
      ({ path: at }) => at,
    );
    assert.equal(seen.at(-1), `file ${full}`);
    assert.equal(listed.at(-1), 'test/data/public.orders');
    const entry = await open.previous(written[1]?.snapshot as Snapshot, 'test').entry(path);
    assert.deepEqual([entry?.type, entry?.meta.mode, entry?.meta.inode], ['file', 0o600, undefined]);
    const { files, bytes } = await open.usage(written.map(({ snapshot }) => snapshot));
    assert.deepEqual(
      [files, bytes],
      [5, states.reduce((sum, rows) => sum + Buffer.byteLength(rows.join('')), 0)],
    );
  });
});
