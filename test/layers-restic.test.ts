// Tables that are stored by rows, in the hands of stock restic: it sees a folder of layers, and whatever it does with it, no table
// becomes another.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import type { Snapshot } from '#repository/contract.ts';
import { openRepository } from '#repository/repository.ts';
import { fileEntry, neverFires, readFiles, testPassword, testRepository } from '#repository/testing.ts';
import type { Entry } from '#sources/source.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithoutRestic() ?? false;
const rows = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, at) => `${from + at}\t${(from + at) % 97}${'\tkelp'.repeat(20)}\n`,
  ).join('');
const states = [rows(0, 20_000), rows(3, 20_010), rows(3, 20_010) + rows(50_000, 50_003), rows(20, 20_009)];
const table = 'test/data/a/0000.copy';
const sorted = (text: string): string => text.split('\n').sort().join('\n');

async function* entries(text: string): AsyncGenerator<Entry> {
  yield { ...fileEntry('data/a/0000.copy', Buffer.from(text)), chunking: 'lines' };
  yield fileEntry('data/b', Buffer.from('b'));
}

/** Each line as what a document is to whoever looks for its end alone. */
const documentsOf = (text: string): Buffer =>
  Buffer.concat(
    text.split('\n').map((line) => {
      const document = Buffer.from(`----${line}\0`);
      document.writeInt32LE(document.length);
      return document;
    }),
  );

async function* collection(text: string): AsyncGenerator<Entry> {
  yield fileEntry('a', Buffer.from('a'));
  yield { ...fileEntry('c.bson', documentsOf(text)), chunking: 'bson' };
}

const writeStates = async (
  folder: string,
  entriesOf: (state: string) => AsyncIterable<Entry>,
): Promise<Snapshot[]> => {
  const snapshots: Snapshot[] = [];
  const { write } = await testRepository(openLocalStore(folder));
  for (const [at, state] of states.entries()) {
    const parent = snapshots.at(-1);
    const time = new Date(Date.UTC(2026, 10, at + 1));
    const { snapshot } = await write(entriesOf(state), { time, ...(parent && { parent }) });
    snapshots.push(snapshot as Snapshot);
  }
  return snapshots;
};

suite('a table in layers', { skip }, () => {
  const folder = temporaryFolder('layers-restic');
  const ours = join(folder, 'ours');
  let snapshots: Snapshot[];
  let binaries: Awaited<ReturnType<typeof resticBinaries>>;

  before(async () => {
    binaries = await resticBinaries();
    snapshots = await writeStates(ours, entries);
  });

  const restic = (binary: string, repository: string, ...args: string[]) =>
    runRestic(binary, args, {
      repository,
      password: testPassword,
      env: { RESTIC_FROM_PASSWORD: testPassword },
    });

  const copyOfOurs = (name: string): string => {
    const copy = join(folder, name);
    cpSync(ours, copy, { recursive: true });
    return copy;
  };

  const open = (repository: string) =>
    openRepository(openLocalStore(repository), testPassword, { lock: 'none', signal: neverFires });

  /** The files of the newest snapshot. */
  const filesIn = async (repository: string): Promise<Map<string, Buffer>> => {
    await using opened = await open(repository);
    return await readFiles(opened, (await opened.snapshots()).at(-1) as Snapshot);
  };

  for (const version of ['old', 'new'] as const)
    test(`is restored by the ${version} restic, and made one file by awk`, async () => {
      const binary = binaries[version];
      await restic(binary, ours, 'check', '--read-data');
      const target = join(folder, version);
      await restic(binary, ours, 'restore', snapshots[3]?.id ?? '', '--target', target);
      const layers = join(target, table);
      assert.equal(statSync(layers).mode & 0o777, 0o700);
      assert.equal(readdirSync(layers).length, 7);
      const made = execFileSync(
        'sh',
        ['-c', "cat *.rows | awk '!rows {gone[$1]; next} !(FNR in gone)' *.gone rows=1 -"],
        { cwd: layers, maxBuffer: 1024 ** 3, encoding: 'utf8' },
      );
      assert.ok(sorted(made) === sorted(states[3] as string));
    });

  test('is one after restic has copied it and rewritten what is beside it', async () => {
    const copy = join(folder, 'copy');
    await restic(binaries.new, copy, 'init', '--from-repo', ours, '--copy-chunker-params');
    await restic(binaries.new, copy, 'copy', '--from-repo', ours);
    await restic(binaries.new, copy, 'rewrite', '--forget', '--exclude', '/test/data/b');
    const files = await filesIn(copy);
    assert.deepEqual([...files.keys()], [table]);
    assert.ok(sorted(`${files.get(table)}`) === sorted(states[3] as string));
  });

  test('is one after that of documents too, and restic finds nothing to repair in it', async () => {
    const copy = join(folder, 'collection');
    await writeStates(copy, collection);
    await restic(binaries.new, copy, 'rewrite', '--forget', '--exclude', '/test/a');
    await restic(binaries.new, copy, 'repair', 'snapshots', '--forget');
    const files = await filesIn(copy);
    assert.deepEqual([...files.keys()], ['test/c.bson']);
    const found = files.get('test/c.bson')?.toString().split('\0').sort();
    assert.deepEqual(
      found,
      documentsOf(states[3] as string)
        .toString()
        .split('\0')
        .sort(),
    );
    await restic(binaries.old, copy, 'check', '--read-data');
    await restic(binaries.new, copy, 'rewrite', '--forget', '--exclude', '0003.bson');
    await assert.rejects(filesIn(copy), { code: 'REPOSITORY_DAMAGED' });
  });

  for (const pattern of ['0003.*', '0001.gone', '*.rows'])
    test(`is damaged when restic has taken ${pattern} away`, async () => {
      const copy = copyOfOurs(`without ${pattern.replace('*', 'any')}`);
      await restic(binaries.new, copy, 'rewrite', '--forget', '--exclude', pattern);
      await assert.rejects(filesIn(copy), { code: 'REPOSITORY_DAMAGED' });
      await using opened = await open(copy);
      const { problems } = await opened.check({ signal: neverFires });
      assert.match(problems.join(), /not all layers of 0000\.copy are there/);
    });

  test('is damaged when restic has repaired it without what was lost, and our repair leaves it out', async () => {
    const copy = copyOfOurs('lost');
    const packs = readdirSync(join(copy, 'data'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort((a, b) => statSync(b).size - statSync(a).size);
    rmSync(packs[0] as string);
    await restic(binaries.new, copy, 'repair', 'index');
    await restic(binaries.new, copy, 'repair', 'snapshots', '--forget');
    await assert.rejects(filesIn(copy), { code: 'REPOSITORY_DAMAGED' });
    {
      await using opened = await open(copy);
      assert.ok((await opened.repairSnapshots({})).length > 0);
    }
    assert.deepEqual([...(await filesIn(copy)).keys()], ['test/data/b']);
  });
});
