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
import type { Repository, Snapshot, WriteOptions } from '../contract.ts';
import { neverFires, readFiles, testRepository, writeOptions } from '../testing.ts';

type Rows = readonly string[];

const path = 'data/a/0000.copy';
const rowBytes = 400;

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
      for (let at = 0; at < rows.length; at += 10)
        yield Buffer.from(
          rows
            .slice(at, at + 10)
            .map((row) => `${row}\n`)
            .join(''),
          'latin1',
        );
    },
  };
}

const backedUp = async (open: Repository, rows: Rows, options: Partial<WriteOptions> = {}) => {
  const { snapshot, summary } = await open.write(
    tableOf(rows),
    writeOptions({ rowsAtOnce: 500, ...options }),
  );
  assert.ok(snapshot);
  return { snapshot, stored: summary.dataAdded };
};

const assertHas = async (open: Repository, snapshot: Snapshot, rows: Rows, when = '') => {
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
  'rows at the end': { again: 0, change: (rows, random) => [...rows, ...rowsOf(random, 600)] },
  'rows between others': {
    again: 0.01,
    change: (rows, random) =>
      rows.flatMap((row) => (random.chance(0.05) ? [row, ...rowsOf(random, 1)] : row)),
  },
  'a block of new rows': {
    again: 0.01,
    change: (rows, random) => [...rows.slice(0, 2000), ...rowsOf(random, 900), ...rows.slice(2000)],
  },
  'a block that is gone from the beginning': { again: 0.03, change: (rows) => rows.slice(700) },
  'a block that lies elsewhere': {
    again: 0.03,
    change: (rows) => [...rows.slice(1500, 2800), ...rows.slice(0, 1500), ...rows.slice(2800)],
  },
  'rows that are there twice now': {
    again: 0.01,
    change: (rows, random) => rows.flatMap((row) => (random.chance(0.02) ? [row, row] : row)),
  },
};

/** How many rows the second has that the first has not, each as often as it is there. */
const newIn = (before: Rows, after: Rows): number => {
  const left = new Map<string, number>();
  for (const row of before) left.set(row, (left.get(row) ?? 0) + 1);
  return after.filter((row) => {
    const times = left.get(row) ?? 0;
    left.set(row, times - 1);
    return times <= 0;
  }).length;
};

test('of a table with more rows than are compared at once, little more is stored than what changed', async () => {
  const random = seededRandom('window');
  const repository = await testRepository();
  const made: { readonly snapshot: Snapshot; readonly rows: Rows; readonly what: string }[] = [];
  {
    await using open = await repository.open();
    let rows = rowsOf(random, 4500);
    let parent = await backedUp(open, rows);
    for (const [what, { change, again }] of Object.entries(changes)) {
      const before = rows;
      rows = change(before, random);
      const next = await backedUp(open, rows, { parent: parent.snapshot });
      parent = next;
      made.push({ ...next, rows, what });
      const most = (newIn(before, rows) + again * rows.length) * (rowBytes + 1) + 2 * before.length + 6000;
      assert.ok(next.stored < most, `${what}: ${next.stored} of at most ${most} bytes`);
    }
  }
  await using open = await repository.open();
  for (const { snapshot, rows, what } of made) await assertHas(open, snapshot, rows, what);
  assert.deepEqual((await open.check({ readData: 1, signal: neverFires })).problems, []);
});

test('rows that are equal are found where they are, so that those between them are found too', async () => {
  const repository = await testRepository();
  await using open = await repository.open();
  const rows = rowsOf(seededRandom('equal'), 3000).flatMap((row) => ['the same', row, 'the same']);
  const { snapshot: parent } = await backedUp(open, rows);
  const changed = [...rows.slice(4000), ...rows.slice(0, 4000)];
  for (const [next, most] of [
    [rows, 0],
    [changed, 100 * rowBytes],
  ] as const) {
    const { snapshot, stored } = await backedUp(open, next, { parent });
    assert.ok(stored <= most, `${stored}`);
    await assertHas(open, snapshot, next);
  }
});

/** A table that does something before its rows are read. */
async function* tableAfter(rows: Rows, before: () => void): AsyncGenerator<Entry> {
  for await (const { content, ...entry } of tableOf(rows))
    yield {
      ...entry,
      *content() {
        before();
        yield* content?.() as Iterable<Uint8Array>;
      },
    };
}

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
    return { open: await repository.open(), fetched, notes };
  };

  test('prints are kept in several notes, and rows are fetched where one is lost', async () => {
    const random = seededRandom('notes');
    const { open, fetched, notes } = await distant();
    await using _ = open;
    let rows = Array.from({ length: 66_000 }, (_, at) => `${at}`.padStart(20));
    let { snapshot } = await backedUp(open, rows);
    for (const isKnown of [false, true, false]) {
      rows = rows.map((row) => (random.chance(0.001) ? `${random.integer(0, 1e9)}`.padStart(20) : row));
      fetched.bytes = 0;
      const next = await backedUp(open, rows, { parent: snapshot, rowsAtOnce: 30_000 });
      snapshot = next.snapshot;
      assert.equal(fetched.bytes < 20_000, isKnown, `${fetched.bytes}`);
      assert.ok(next.stored < 40_000, `${next.stored}`);
      await assertHas(open, snapshot, rows);
      assert.ok(notes().length >= 3);
      if (isKnown) rmSync(notes()[1] as string);
    }
  });

  test('where notes are lost in between, rows that were fetched are fetched again, and others are stored again', async () => {
    const { open, notes } = await distant();
    await using _ = open;
    const rows = rowsOf(seededRandom('lost notes'), 4000);
    let { snapshot: parent } = await backedUp(open, rows);
    const lose = () => {
      for (const note of notes()) rmSync(note);
    };
    for (const [first, most] of [
      [10, 5000],
      [20, 5000],
      [30, Infinity],
    ] as const) {
      const isKept = most === Infinity;
      if (isKept) ({ snapshot: parent } = await backedUp(open, rows, { parent })); // it keeps them
      const table = tableAfter(rows.slice(first), lose);
      const { snapshot, summary } = await open.write(table, writeOptions({ parent, rowsAtOnce: 500 }));
      assert.ok(summary.dataAdded < most, `${summary.dataAdded}`);
      await assertHas(open, snapshot as Snapshot, rows.slice(first));
      parent = snapshot as Snapshot;
    }
  });
});

suite('when earlier rows cannot be read again', () => {
  for (const code of ['REPOSITORY_DAMAGED', 'STORE_DENIED', 'CANCELLED'] as const)
    test(`because of ${code}, there is no snapshot, and the next backup is right`, async () => {
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
      const rows = rowsOf(seededRandom(code), 4000);
      await using open = await repository.open();
      const { snapshot: parent } = await backedUp(open, rows);
      const breaks = tableAfter(rows.slice(7), () => {
        isBroken = true;
      });
      const options = { parent, rowsAtOnce: 500, signal: cancel.signal };
      await assert.rejects(open.write(breaks, writeOptions(options)), { code });
      assert.ok(gets > 0);
      isBroken = code !== 'CANCELLED';
      const { snapshot } = await backedUp(open, rows.slice(5), { parent });
      isBroken = false;
      await assertHas(open, snapshot, rows.slice(5));
    });
});
