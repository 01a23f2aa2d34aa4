import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { failingDisk, skipWithoutFailingDisk } from '../../test/tools/failing-disk.ts';
import { canDo } from './abilities.ts';
import { fileStatusKeeperOf } from './file-statuses.ts';
import { queryReaderOf } from './query-reader.ts';
import { changesReaderOf, receiverOf } from './receiver.ts';
import { openSource, sourceFromUrl, sourceKinds } from './registry.ts';
import { type Ability, plainDumperOf, rowReaderOf, scratchMakerOf } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-registry-'));
after(() => rmSync(folder, { recursive: true }));
const kindAndName = (url: string): string[] => {
  const { kind, name } = sourceFromUrl(url);
  return [kind, name];
};

test('every kind that has a folder is registered, by its own name', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => existsSync(join(import.meta.dirname, name, `${name}.ts`)));
  assert.deepEqual([...sourceKinds.keys()].toSorted(), folders.toSorted());
});

test('a kind has the abilities that it says it has', async () => {
  const examples = {
    files: folder,
    sqlite: `sqlite:${join(folder, 'abilities.db')}`,
    postgres: 'postgres://u@127.0.0.1:9/shop',
    mysql: 'mysql://u@127.0.0.1:9/shop',
    mongodb: 'mongodb://127.0.0.1:9/shop',
    sqlserver: 'sqlserver://u@127.0.0.1:9/shop',
    couchdb: 'couchdb://127.0.0.1:9/shop',
  };
  assert.deepEqual(Object.keys(examples).toSorted(), [...sourceKinds.keys()].toSorted());
  const context = { signal: new AbortController().signal, log: silentLog, clock: systemClock };
  for (const [kind, url] of Object.entries(examples)) {
    await using source = await openSource(sourceFromUrl(url), context);
    const abilities: Partial<Record<Ability, boolean>> = {
      rows: rowReaderOf(source) !== undefined,
      sql: plainDumperOf(source)?.plainExtension === 'sql',
      listing: queryReaderOf(source) !== undefined,
      statuses: fileStatusKeeperOf(source) !== undefined,
      receiving: receiverOf(source) !== undefined,
      changes: changesReaderOf(source) !== undefined && receiverOf(source)?.takesChanges === true,
      'scratch folder': scratchMakerOf(source)?.scratchLocation('/scratch') === '/scratch',
    };
    for (const [ability, has] of Object.entries(abilities))
      assert.equal(canDo(kind, ability as Ability), has, `${kind}: ${ability}`);
  }
});

test('the scheme of a URL names the kind, its last part the source', () => {
  assert.deepEqual(kindAndName('postgres://u@db.internal:5433/shop?sslmode=require'), ['postgres', 'shop']);
  assert.deepEqual(kindAndName('postgresql://db/shop'), ['postgres', 'shop']);
  assert.deepEqual(kindAndName('postgres://backup@db.internal'), ['postgres', 'db.internal']);
  assert.deepEqual(kindAndName('sqlite:/srv/shop.db'), ['sqlite', 'shop']);
});

test('a path is files, named after its last part', () => {
  assert.deepEqual(kindAndName('/srv/media'), ['files', 'media']);
  assert.deepEqual(kindAndName('/srv/media/'), ['files', 'media']);
  assert.deepEqual(kindAndName('/srv/Bilder & Töne'), ['files', 'Bilder-T-ne']);
  assert.deepEqual(kindAndName('.'), ['files', basename(process.cwd())]);
  assert.deepEqual(kindAndName('/'), ['files', 'root']);
});

test('where a source is does not depend on how that is written, and holds no secret', () => {
  for (const [url, place] of [
    ['/srv/media/', '/srv/media'],
    ['files:/srv/../srv/media', '/srv/media'],
    ['sqlite:shop.db', join(process.cwd(), 'shop.db')],
    ['postgresql://u:se%2Fcr%40t@db:5433/shop?sslmode=require&password=secret', 'postgres://db:5433/shop'],
    ['mongodb://u:secret@a:1,b:2/shop#x', 'mongodb://a:1,b:2/shop'],
    ['couchdb://db', 'couchdb://db'],
  ] as const)
    assert.equal(sourceFromUrl(url).place, place);
});

test('a file that is an SQLite database in name and content is taken as one', () => {
  const path = join(folder, 'shop.db');
  new DatabaseSync(path).exec('CREATE TABLE t (x)');
  assert.deepEqual(kindAndName(path), ['sqlite', 'shop']);

  writeFileSync(join(folder, 'notes.db'), 'only called so');
  writeFileSync(join(folder, 'empty.sqlite'), '');
  mkdirSync(join(folder, 'folder.sqlite3'));
  for (const name of ['notes.db', 'empty.sqlite', 'folder.sqlite3', 'absent.db'])
    assert.equal(sourceFromUrl(join(folder, name)).kind, 'files', name);
});

test('a database that cannot be read now is not taken for a mere file', {
  skip: skipWithoutFailingDisk(),
}, () => {
  using disk = failingDisk(join(folder, 'disk'));
  const path = join(disk.path, 'shop.db');
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE t (x)');
  database.close();
  disk.fail(path, 0);
  assert.deepEqual(kindAndName(path), ['sqlite', 'shop']);
});

test('a scheme nobody knows is refused with the ones that are known', () => {
  assert.throws(
    () => sourceFromUrl('postgre://db/shop'),
    /^HoldfastError: unknown scheme "postgre"; did you mean "postgres"\?$/,
  );
});
