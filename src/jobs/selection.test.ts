import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryEntries, neverFires, testRepository } from '#repository/testing.ts';
import { byPatterns, findPath, select, type Wanted } from './selection.ts';

const manifest = (database: string, ...tables: string[]): string =>
  JSON.stringify({
    manifest: 1,
    engine: 'plain',
    engineVersion: '1',
    database,
    position: {},
    capturedAt: '2026-11-21T03:00:00Z',
    tables: tables.map((name) => ({
      name,
      entries: [`data/${name}/0000.copy`],
      format: 'lines',
      rows: 1,
      bytes: 2,
      checksum: '0'.repeat(32),
    })),
    missing: [],
  });

const server = {
  'globals.sql': 'x',
  'shop/data/orders/0000.copy': '1\n',
  'shop/data/people/0000.copy': '1\n',
  'shop/manifest.json': manifest('shop', 'orders', 'people'),
  'shop/schema.sql': 'x',
  'wiki/data/people/0000.copy': '1\n',
  'wiki/manifest.json': manifest('wiki', 'people'),
  'wiki/schema.sql': 'x',
};

const selected = async (wanted: Partial<Wanted>, tags = ['source:test', 'kind:plain']): Promise<string[]> => {
  const made = await testRepository();
  const { snapshot } = await made.write(memoryEntries(server), { tags });
  assert.ok(snapshot);
  await using repository = await made.open();
  const all = { paths: [], tables: [], withSurroundings: false, ...wanted };
  const { selects: include } = await select(repository, snapshot, all, neverFires);
  const entries = await Array.fromAsync(repository.list(snapshot, { include }));
  return entries.filter(({ type }) => type === 'file').map(({ path }) => path.replace(/^test\//, ''));
};

test('without a wish, everything is selected', async () => {
  assert.deepEqual(await selected({}), Object.keys(server));
});

test('a path selects what is below it and nothing beside it', async () => {
  assert.deepEqual(await selected({ paths: ['test/shop/data'] }), [
    'shop/data/orders/0000.copy',
    'shop/data/people/0000.copy',
  ]);
  assert.deepEqual(await selected({ paths: ['/test/globals.sql', 'wiki/schema.sql'] }), [
    'globals.sql',
    'wiki/schema.sql',
  ]);
});

test('a part of a database comes with the files in the folders above it', async () => {
  assert.deepEqual(await selected({ tables: ['orders'], withSurroundings: true }), [
    'globals.sql',
    'shop/data/orders/0000.copy',
    'shop/manifest.json',
    'shop/schema.sql',
  ]);
});

test('a table that several databases have must be named by its path', async () => {
  await assert.rejects(selected({ tables: ['people'] }), {
    code: 'USAGE',
    hint: /--path: test\/shop, test\/wiki/,
  });
  assert.deepEqual(await selected({ paths: ['wiki'], tables: ['people'] }), ['wiki/data/people/0000.copy']);
});

test('a table or path that is not there is an error with the nearest one', async () => {
  await assert.rejects(selected({ tables: ['order'] }), {
    code: 'PATH_UNKNOWN',
    message: /holds no table "order"; did you mean "orders"\?/,
  });
  await assert.rejects(selected({ paths: ['shop/nothing'] }), { code: 'PATH_UNKNOWN' });
});

test('a star at the end of a path takes all that begin so', async () => {
  assert.deepEqual(await selected({ paths: ['shop/data/o*'] }), ['shop/data/orders/0000.copy']);
  assert.deepEqual(
    await selected({ paths: ['w*'] }),
    Object.keys(server).filter((path) => path.startsWith('wiki')),
  );
  await assert.rejects(selected({ paths: ['shop/data/x*'] }), { code: 'PATH_UNKNOWN' });
});

test('patterns are those of restic, seen from the source', async () => {
  const by = (include: string[], exclude: string[] = []) =>
    selected({ matches: byPatterns(include, exclude) });
  assert.deepEqual(await by(['*.sql']), ['globals.sql', 'shop/schema.sql', 'wiki/schema.sql']);
  assert.deepEqual(await by(['/shop/**'], ['data']), ['shop/manifest.json', 'shop/schema.sql']);
  assert.deepEqual(await by([], ['/shop', '/wiki']), ['globals.sql']);
});

test('a path may be given as it is listed, with slashes around it, or from the source on', async () => {
  const made = await testRepository();
  const { snapshot } = await made.write(memoryEntries(server));
  assert.ok(snapshot);
  await using repository = await made.open();
  for (const path of ['test/shop', '/test/shop', '/test/shop/', 'shop'])
    assert.equal((await findPath(repository, snapshot, path, neverFires)).path, 'test/shop');
  assert.equal((await findPath(repository, snapshot, 'test', neverFires)).path, 'test');
});
