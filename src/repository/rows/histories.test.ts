// Many small histories of tables, made by chance: whatever happens to their rows and to the repository, each snapshot keeps its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#lib/log.ts';
import { type Random, seededRandom } from '#lib/random.ts';
import type { RowFormat } from '#lib/row-format.ts';
import type { Entry } from '#sources/source.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import { withCache } from '#stores/wrappers/cache.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import type { Repository, Snapshot } from '../contract.ts';
import { neverFires, readFiles, type TestRepository, testRepository, writeOptions } from '../testing.ts';

/** Without their newlines or lengths; each character is a byte. */
type Rows = readonly string[];
type State = ReadonlyMap<string, Rows>;

const tables = ['data/a/0000.copy', 'data/b/0000.copy', 'c.bson'];

const formatOf = (path: string): RowFormat => (path.endsWith('.bson') ? 'bson' : 'lines');

const rowOf = (random: Random): string =>
  random.pick([
    () => `${random.integer(0, 1e9)}\t${'some kelp '.repeat(random.integer(50, 400))}`,
    () => `${random.integer(0, 3)}\r\0\xff`.repeat(random.integer(0, 900)),
    () => String.fromCharCode(...Array.from({ length: 2000 }, () => random.integer(11, 256))),
  ])();

const rowsOf = (random: Random, count: number): string[] =>
  Array.from({ length: count }, () => rowOf(random));

const changes: readonly ((rows: Rows, random: Random) => Rows)[] = [
  (rows) => rows,
  (rows, random) => random.shuffle(rows),
  (rows, random) => [...rows.slice(random.integer(0, 9)), ...rowsOf(random, 5)],
  (rows, random) => rows.map((row) => (random.chance(0.02) ? rowOf(random) : row)),
  (rows, random) => rows.flatMap((row) => (random.chance(0.1) ? [row, row, row] : [row])),
  (rows, random) => rows.filter((_, at) => at === 0 || random.chance(0.9)),
  (rows, random) => rows.filter(() => random.chance(0.5)),
  (rows, random) => [...rows, ...rowsOf(random, 400)],
  (rows, random) => random.shuffle([...rows, 'x'.repeat(random.integer(400_000, 900_000))]),
  (rows, random) => [...Array.from({ length: 300 }, () => ''), ...rows.slice(1), rowOf(random)],
  (rows, random) =>
    Array.from({ length: random.integer(500, 2500) }, () => rows[0] ?? 'the same '.repeat(200)),
  (_, random) => rowsOf(random, random.integer(1, 800)),
  (rows) => rows.slice(0, 3),
  () => [],
];

/** Documents need not be BSON but for the length with which they begin. */
const documentOf = (row: string): Buffer => {
  const document = Buffer.from(`    ${row}\0`, 'latin1');
  document.writeInt32LE(document.length);
  return document;
};

const bytesOf = (rows: Rows, format: RowFormat): Buffer =>
  format === 'bson'
    ? Buffer.concat(rows.map(documentOf))
    : Buffer.from(rows.map((row) => `${row}\n`).join(''), 'latin1');

const rowsIn = (bytes: Buffer, format: RowFormat): string[] => {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = format === 'bson' ? at + bytes.readInt32LE(at) : bytes.indexOf(10, at) + 1;
    rows.push(bytes.subarray(format === 'bson' ? at + 4 : at, end - 1).toString('latin1'));
    at = end;
  }
  return rows;
};

const mostBytes = 1_300_000;

/** The first rows, where there are too many for a quick test. */
const within = (rows: Rows): Rows => {
  let bytes = 0;
  const end = rows.findIndex((row) => {
    bytes += row.length + 1;
    return bytes > mostBytes;
  });
  return end < 0 ? rows : rows.slice(0, end);
};

/** In pieces that are overwritten once the next one is asked for. */
const tableEntry = (path: string, rows: Rows, random: Random): Entry => ({
  path,
  type: 'file',
  meta: random.chance(0.5) ? { mode: 0o600 } : { mode: 0o600, size: random.integer(0, 3_000_000) },
  chunking: formatOf(path),
  *content() {
    const bytes = bytesOf(rows, formatOf(path));
    const most = random.pick([50, 5000, 70_000, 300_000, 300_000]);
    const piece = Buffer.alloc(most);
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.copy(piece, 0, at, at + random.integer(1, most + 1));
      yield piece.subarray(0, length);
      piece.fill(0xee);
      at += length;
    }
  },
});

async function* entriesOf(state: State, random: Random): AsyncGenerator<Entry> {
  for (const [path, rows] of state) yield tableEntry(path, rows, random);
}

const assertHas = async (repository: Repository, snapshot: Snapshot, state: State, when: string) => {
  const files = await readFiles(repository, snapshot, { root: 'test' });
  for await (const { path, type, meta } of repository.list(snapshot, { root: 'test' })) {
    const rows = state.get(path);
    if (!rows) continue;
    assert.equal(type, 'file', `${path} ${when}`);
    assert.equal(meta.size, bytesOf(rows, formatOf(path)).length, `${path} ${when}`);
  }
  assert.deepEqual([...files.keys()].sort(), [...state.keys()].sort(), when);
  for (const [path, rows] of state) {
    const found = rowsIn(files.get(path) as Buffer, formatOf(path));
    assert.ok(found.sort().join('\n') === rows.toSorted().join('\n'), `the rows of ${path} ${when}`);
  }
};

interface Backup {
  readonly snapshot: Snapshot;
  readonly state: State;
}

/** A history of three tables that are read at once, each backup beside an earlier one: mostly the last. */
const makeHistory = async (repository: Repository, random: Random, backups: number): Promise<Backup[]> => {
  const made: Backup[] = [];
  let last: Backup | undefined;
  for (let at = 0; at < backups; at += 1) {
    const state = new Map(
      tables.map((path) => [
        path,
        within(
          last
            ? random.pick(changes)(last.state.get(path) ?? [], random)
            : rowsOf(random, random.integer(300, 1000)),
        ),
      ]),
    );
    const options = {
      concurrency: random.integer(1, 4),
      rowsAtOnce: random.pick([1, 60, 250, 600, 100_000]),
      ...(last && { parent: last.snapshot }),
    };
    const writing = repository.write(entriesOf(state, random), writeOptions(options));
    const reading = last && assertHas(repository, last.snapshot, last.state, 'while another one is written');
    const [{ snapshot, summary }] = await Promise.all([writing, reading]);
    assert.ok(snapshot);
    assert.equal(summary.totalFilesProcessed, tables.length);
    assert.equal(
      summary.totalBytesProcessed,
      [...state].reduce((sum, [path, rows]) => sum + bytesOf(rows, formatOf(path)).length, 0),
    );
    made.push({ snapshot, state });
    last = random.chance(0.9) ? made.at(-1) : random.pick(made);
  }
  return made;
};

const assertHasAll = async (repository: TestRepository, made: readonly Backup[], when: string) => {
  await using fresh = await repository.open();
  await Promise.all(made.map(({ snapshot, state }) => assertHas(fresh, snapshot, state, when)));
  assert.deepEqual((await repository.check()).problems, [], when);
};

const copyOf = async (from: TestRepository, made: readonly Backup[], rechunk: boolean): Promise<void> => {
  const to = await testRepository();
  const copies: Backup[] = [];
  await using source = await from.open();
  {
    await using target = await to.open();
    for (const { snapshot, state } of made)
      copies.push({ state, ...(await target.copyFrom(source, snapshot, { rechunk, signal: neverFires })) });
  }
  await assertHasAll(to, copies, rechunk ? 'copied and cut anew' : 'copied');
};

/** Forgets some, and gives those that are left, tagged anew. */
const prune = async (
  repository: TestRepository,
  made: readonly Backup[],
  random: Random,
): Promise<Backup[]> => {
  await using open = await repository.open();
  const kept: Backup[] = [];
  for (const { snapshot, state } of made)
    if (random.chance(0.5)) await open.forget(snapshot);
    else kept.push({ snapshot: await open.retag(snapshot, ['kept']), state });
  await open.prune({ maxUnused: { bytes: 0 } });
  return kept;
};

for (let seed = 1; seed <= 2; seed += 1)
  test(`history ${seed} is kept`, async () => {
    const random = seededRandom(`history ${seed}`);
    const store = memoryStore();
    const repository = await testRepository(
      seed % 2 === 0 ? withCache(store, { folder: temporaryFolder('prints'), log: silentLog }) : store,
    );
    const made: Backup[] = [];
    {
      await using open = await repository.open();
      made.push(...(await makeHistory(open, random, 5)));
      for (const { snapshot, state } of made) await assertHas(open, snapshot, state, 'where it was written');
    }
    await assertHasAll(repository, made, 'opened again');
    await copyOf(repository, made, seed % 2 === 0);
    await assertHasAll(repository, await prune(repository, made, random), 'after a prune');
  });
