import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { readFiles, testRepository } from '#repository/testing.ts';
import type { SourceConfig } from '#sources/registry.ts';
import { memoryStore } from '#stores/memory/memory.ts';
import type { Store } from '#stores/store.ts';
import { backUp } from './backup.ts';
import type { SourceOutcome } from './event.ts';
import { plainSource, rememberingContext } from './testing.ts';

const back = async (
  { open }: Awaited<ReturnType<typeof testRepository>>,
  sources: readonly SourceConfig[],
  more: { readonly dryRun?: boolean; readonly signal?: AbortSignal; readonly tags?: readonly string[] } = {},
) => {
  await using repository = await open();
  const context = rememberingContext(more.signal);
  const outcomes: SourceOutcome[] = [];
  const request = {
    sources,
    targets: [{ name: 'offsite', repository }],
    runId: 'r1',
    job: 'nightly',
    tags: more.tags ?? [],
    dryRun: more.dryRun ?? false,
  };
  for await (const outcome of backUp(request, context)) outcomes.push(outcome);
  return { outcomes, events: context.events, snapshots: await repository.snapshots(), repository };
};

const files = { 'a.txt': 'one', 'b.txt': 'two' };
const unreadable = (path: string) =>
  function* (): Generator<Uint8Array> {
    yield Buffer.from('the beginning');
    throw new HoldfastError('ITEM_UNREADABLE', `cannot read ${path}`);
  };

test('each source gets a snapshot that says where it comes from', async () => {
  const repository = await testRepository();
  const { outcomes, snapshots } = await back(
    repository,
    [plainSource('shop', files), plainSource('media', files)],
    { tags: ['before-upgrade'] },
  );
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ['ok', 'ok'],
  );
  assert.deepEqual(
    snapshots.map(({ tags, paths }) => ({ tags, paths })),
    [
      { tags: ['source:shop', 'kind:files', 'run:r1', 'job:nightly', 'before-upgrade'], paths: ['/shop'] },
      { tags: ['source:media', 'kind:files', 'run:r1', 'job:nightly', 'before-upgrade'], paths: ['/media'] },
    ],
  );
});

test('a name that was taken from a place is refused to another place, and to nothing else', async () => {
  const repository = await testRepository();
  const of = async (name: string, place?: string) => {
    const { outcomes, snapshots } = await back(repository, [{ ...plainSource(name, files), place }]);
    return [outcomes[0]?.state, snapshots.at(-1)?.tags.find((tag) => tag.startsWith('place:'))];
  };
  assert.deepEqual(await of('data', '/srv/data'), ['ok', 'place:/srv/data']);
  assert.deepEqual(await of('data', '/home/data'), ['failed', 'place:/srv/data']);
  assert.deepEqual(await of('data', '/srv/data'), ['ok', 'place:/srv/data']);
  assert.deepEqual(await of('data'), ['ok', undefined]);
  assert.deepEqual(await of('data', '/home/data'), ['failed', undefined]);
  assert.deepEqual(await of('other', '/home/data'), ['ok', 'place:/home/data']);
});

test('a source that fails does not stop those after it', async () => {
  const down = new HoldfastError('SOURCE_UNREACHABLE', 'no server at db:5432');
  const { outcomes, snapshots } = await back(await testRepository(), [
    plainSource('shop', down),
    plainSource('media', files),
  ]);
  assert.deepEqual(
    outcomes.map(({ state }) => state),
    ['failed', 'ok'],
  );
  assert.equal(snapshots.length, 1);
});

test('an item that cannot be read is named, and the snapshot is partial', async () => {
  const repository = await testRepository();
  const { outcomes, snapshots, events } = await back(repository, [
    plainSource('shop', { ...files, 'c.txt': unreadable('c.txt') }),
  ]);
  assert.equal(outcomes[0]?.state, 'partial');
  assert.ok(snapshots[0]?.tags.includes('partial'));
  assert.ok(events.some((event) => event.type === 'item-failed' && event.item === 'c.txt'));
});

test('the previous snapshot is the last whole one of the same source and kind', async () => {
  const repository = await testRepository();
  const whole = await back(repository, [plainSource('shop', files)]);
  await back(repository, [plainSource('shop', { ...files, 'c.txt': unreadable('c.txt') })]);
  await back(repository, [plainSource('shop', files, 'other')]);
  await back(repository, [plainSource('media', files)]);
  const { snapshots } = await back(repository, [plainSource('shop', files)]);
  assert.equal(snapshots.at(-1)?.parent, whole.snapshots[0]?.id);
});

test('of a partial backup the previous snapshot is the last one, for it may have all rows and lack a file', async () => {
  const repository = await testRepository();
  await back(repository, [plainSource('shop~partial', files)]);
  const last = await back(repository, [plainSource('shop~partial', { 'c.txt': unreadable('c.txt') })]);
  assert.equal(last.outcomes[0]?.state, 'partial');
  const { snapshots } = await back(repository, [plainSource('shop~partial', files)]);
  assert.equal(snapshots.at(-1)?.parent, last.snapshots.at(-1)?.id);
});

test('a dry run reads everything, stores nothing, and tells what the source finds wrong', async () => {
  const repository = await testRepository();
  const { outcomes, snapshots, events } = await back(repository, [plainSource('shop', files)], {
    dryRun: true,
  });
  const [outcome] = outcomes;
  assert.ok(outcome && 'report' in outcome);
  assert.equal(outcome.report.summary.totalBytesProcessed, 6);
  assert.deepEqual(snapshots, []);
  assert.ok(events.some((event) => event.type === 'warning' && event.text.includes('plain values')));
});

test('when the repository fails, the sources after it are skipped, each by name', async () => {
  const full = new HoldfastError('STORE_FULL', 'the disk is full');
  const { outcomes } = await back(await testRepository(), [
    plainSource('shop', full),
    plainSource('media', files),
  ]);
  assert.deepEqual(
    outcomes.map(({ source, state }) => [source, state]),
    [
      ['shop', 'failed'],
      ['media', 'skipped'],
    ],
  );
});

test('of sources that are held together each has one outcome in a repository that fails', async () => {
  const memory = memoryStore();
  let isDown = false;
  const store: Store = {
    ...memory,
    list: (prefix) => {
      if (isDown) throw new HoldfastError('STORE_UNREACHABLE', 'the store is down');
      return memory.list(prefix);
    },
  };
  await using near = await (await testRepository()).open();
  await using far = await (await testRepository(store)).open();
  isDown = true;
  const targets = [
    { name: 'near', repository: near },
    { name: 'far', repository: far },
  ];
  const sources = ['shop', 'crm'].map((name) => plainSource(name, files, 'sqlite'));
  const request = {
    sources,
    targets,
    runId: 'r1',
    tags: [],
    dryRun: false,
    together: true,
    anomalies: 'off',
  } as const;
  const outcomes = await Array.fromAsync(backUp(request, rememberingContext()));
  assert.deepEqual(
    outcomes.map(({ source, repository, state }) => [source, repository, state].join(' ')).toSorted(),
    ['crm far skipped', 'crm near ok', 'shop far failed', 'shop near ok'],
  );
});

test('cancelling ends the whole and stores no snapshot', async () => {
  const repository = await testRepository();
  const cancel = new AbortController();
  const cancelling = {
    'a.txt': (): Uint8Array[] => {
      cancel.abort();
      return [Buffer.from('x')];
    },
  };
  const sources = [plainSource('shop', cancelling), plainSource('media', files)];
  await assert.rejects(back(repository, sources, { signal: cancel.signal }), { code: 'CANCELLED' });
  await using opened = await repository.open();
  assert.deepEqual(await opened.snapshots(), []);
});

test('what was backed up can be read back', async () => {
  const repository = await testRepository();
  const { snapshots } = await back(repository, [plainSource('shop', files)]);
  await using opened = await repository.open();
  const [snapshot] = snapshots;
  assert.ok(snapshot);
  const read = await readFiles(opened, snapshot, { root: 'shop' });
  assert.deepEqual(
    [...read].map(([path, bytes]) => [path, bytes.toString()]),
    Object.entries(files),
  );
});
