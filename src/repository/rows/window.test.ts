// Tables with far more rows than are compared at once: what is stored follows the changes all the same, and whatever it is, it is right.
import assert from 'node:assert/strict';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import type { Entry } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { withCache } from '#stores/wrappers/cache.ts';
import { passOn } from '#stores/wrappers/pass-on.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { Snapshot } from '../contract.ts';
import { readFiles, type TestRepository, testRepository } from '../testing.ts';

type Rows = readonly string[];

const path = 'data/a/0000.copy';
const rowsAtOnce = 2000;
const rowBytes = 80;

/** Rows of which none is like another one, and that do not become smaller. */
const rowsOf = (random: Random, count: number): string[] =>
  Array.from({ length: count }, () =>
    Array.from({ length: rowBytes / 8 }, () =>
      random
        .integer(0, 36 ** 5)
        .toString(36)
        .padStart(8),
    ).join(''),
  );

/** As they come from a server: few rows at a time. */
async function* tableOf(rows: Rows): AsyncGenerator<Entry> {
  yield {
    path,
    type: 'file',
    meta: {},
    chunking: 'lines',
    *content() {
      for (let at = 0; at < rows.length; at += 50)
        yield Buffer.from(
          rows
            .slice(at, at + 50)
            .map((row) => `${row}\n`)
            .join(''),
          'latin1',
        );
    },
  };
}

const backedUp = async (repository: TestRepository, rows: Rows, parent?: Snapshot) => {
  const { snapshot, summary } = await repository.write(tableOf(rows), {
    rowsAtOnce,
    ...(parent && { parent }),
  });
  assert.ok(snapshot);
  return { snapshot, stored: summary.dataAdded };
};

const assertHas = async (repository: TestRepository, snapshot: Snapshot, rows: Rows, when = '') => {
  await using open = await repository.open();
  const bytes = (await readFiles(open, snapshot)).get(`test/${path}`);
  const read = bytes?.toString('latin1').split('\n').slice(0, -1);
  assert.ok(read?.sort().join('\n') === rows.toSorted().join('\n'), `the rows ${when}`);
};

/** What becomes of a table, and how many of its rows are stored for that at most, beside those that are new. */
const changes: Readonly<
  Record<string, { readonly again: number; change(rows: Rows, random: Random): string[] }>
> = {
  'rows here and there': {
    again: 0.01,
    change: (rows, random) =>
      rows.map((row) => (random.chance(0.01) ? (rowsOf(random, 1)[0] as string) : row)),
  },
  'no row': { again: 0, change: (rows) => [...rows] },
  'rows at the end': { again: 0, change: (rows, random) => [...rows, ...rowsOf(random, 3000)] },
  'rows between others': {
    again: 0.01,
    change: (rows, random) =>
      rows.flatMap((row) => (random.chance(0.05) ? [row, ...rowsOf(random, 1)] : row)),
  },
  'a block of new rows': {
    again: 0.01,
    change: (rows, random) => [...rows.slice(0, 7000), ...rowsOf(random, 5000), ...rows.slice(7000)],
  },
  'a block that is gone from the beginning': { again: 0.01, change: (rows) => rows.slice(5000) },
  'a block that lies elsewhere': {
    again: 0.03,
    change: (rows) => [...rows.slice(9000, 14_000), ...rows.slice(0, 9000), ...rows.slice(14_000)],
  },
  'rows that are there twice now': {
    again: 0.01,
    change: (rows, random) => rows.flatMap((row) => (random.chance(0.02) ? [row, row] : row)),
  },
  'all rows, in another order': { again: 1, change: (rows, random) => random.shuffle(rows) },
};

suite('of a table with more rows than are compared at once', () => {
  for (const [what, { change, again }] of Object.entries(changes))
    test(`that changed in ${what}, little else is stored`, async () => {
      const random = seededRandom(what);
      const repository = await testRepository();
      let rows = rowsOf(random, 20_000);
      let { snapshot } = await backedUp(repository, rows);
      for (let backup = 0; backup < 3; backup += 1) {
        const before = new Set(rows);
        rows = change(rows, random);
        const added = rows.length - rows.filter((row) => before.delete(row)).length;
        const { stored, ...next } = await backedUp(repository, rows, snapshot);
        snapshot = next.snapshot;
        await assertHas(repository, snapshot, rows, `at backup ${backup}`);
        const most = (added + again * rows.length) * (rowBytes + 1) + 6 * (rows.length - added) + 10_000;
        console.log(what, backup, stored, added * (rowBytes + 1), stored - added * (rowBytes + 1));
        assert.ok(stored < most, `${stored} of at most ${most} bytes`);
      }
      assert.deepEqual((await repository.check()).problems, []);
    });
});

suite('of a distant table of many rows', () => {
  /** A store with a cache before it: what is fetched of packs is counted, and notes can be taken away. */
  const distant = async () => {
    const store = memoryStore();
    const fetched = { bytes: 0 };
    const counting: Store = {
      ...passOn(store),
      async get(key, range) {
        const bytes = await store.get(key, range);
        if (key.startsWith('data/')) fetched.bytes += bytes.length;
        return bytes;
      },
    };
    const folder = temporaryFolder('prints');
    const repository = await testRepository(withCache(counting, { folder, log: silentLog }));
    const notes = (): string[] => {
      const at = join(folder, readdirSync(folder)[0] ?? '', 'notes');
      return readdirSync(at)
        .map((name) => join(at, name))
        .sort((a, b) => statSync(b).size - statSync(a).size);
    };
    return { repository, fetched, notes };
  };

  test('prints are kept in several notes, and rows are fetched where one is lost', async () => {
    const random = seededRandom('notes');
    const { repository, fetched, notes } = await distant();
    let rows = rowsOf(random, 80_000).map((row) => row.slice(-20));
    let { snapshot } = await backedUp(repository, rows);
    const fetchedBy: number[] = [];
    for (const isLost of [true, false, true, false]) {
      rows = rows.map((row) => (random.chance(0.001) ? `${random.integer(0, 1e9)}`.padStart(20) : row));
      fetched.bytes = 0;
      const next = await backedUp(repository, rows, snapshot);
      snapshot = next.snapshot;
      fetchedBy.push(fetched.bytes);
      await assertHas(repository, snapshot, rows);
      assert.ok(next.stored < 40_000, `${next.stored}`);
      assert.ok(notes().length >= 3);
      if (!isLost) rmSync(notes()[1] as string);
    }
    assert.ok(
      fetchedBy.every((bytes, at) => bytes < 20_000 === (at % 2 === 1)),
      `${fetchedBy}`,
    );
  });

  test('notes that are lost in between are done without', async () => {
    const random = seededRandom('lost notes');
    const { repository, notes } = await distant();
    const rows = rowsOf(random, 40_000);
    let { snapshot } = await backedUp(repository, rows);
    ({ snapshot } = await backedUp(repository, rows.slice(10), snapshot));
    const { snapshot: last } = await repository.write(
      (async function* () {
        for await (const entry of tableOf(rows))
          yield {
            ...entry,
            *content() {
              for (const note of notes()) rmSync(note);
              yield* entry.content?.() as Iterable<Uint8Array>;
            },
          };
      })(),
      { parent: snapshot, rowsAtOnce },
    );
    await assertHas(repository, last as Snapshot, rows);
  });
});

suite('when earlier rows cannot be read again', () => {
  for (const code of ['REPOSITORY_DAMAGED', 'STORE_DENIED', 'CANCELLED'] as const)
    test(`because of ${code}, there is no snapshot, and the next backup is right`, async () => {
      const random = seededRandom(code);
      const store = memoryStore();
      const cancel = new AbortController();
      let [isBroken, gets] = [false, 0];
      const breaking: Store = {
        ...passOn(store),
        async get(key, range) {
          const bytes = await store.get(key, range);
          if (!isBroken || bytes.length < 50_000) return bytes; // trees are smaller
          gets += 1;
          if (code === 'STORE_DENIED') throw new HoldfastError(code, 'it went to an archive');
          if (code === 'CANCELLED') cancel.abort();
          else bytes.fill(0, bytes.length / 2);
          return bytes;
        },
      };
      const repository = await testRepository(breaking);
      const rows = rowsOf(random, 20_000);
      const { snapshot } = await backedUp(repository, rows);
      const entries = async function* (): AsyncGenerator<Entry> {
        for await (const entry of tableOf(rows.slice(7)))
          yield {
            ...entry,
            *content() {
              isBroken = true;
              yield* entry.content?.() as Iterable<Uint8Array>;
            },
          };
      };
      await assert.rejects(
        repository.write(entries(), { parent: snapshot, rowsAtOnce, signal: cancel.signal }),
        { code },
      );
      assert.ok(gets > 0);
      isBroken = code === 'REPOSITORY_DAMAGED';
      const next = await backedUp(repository, rows.slice(5), snapshot);
      isBroken = false;
      await assertHas(repository, next.snapshot, rows.slice(5));
    });
});
