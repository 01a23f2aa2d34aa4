import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { failingDisk, skipWithoutFailingDisk } from '../../test/tools/failing-disk.ts';
import { temporaryFolder } from '../../test/tools/temp.ts';
import { type Catalog, openCatalog } from './catalog.ts';
import { minute, succeeded, testCatalog } from './testing.ts';

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-catalog-'));
after(() => rmSync(scratch, { recursive: true }));
const open = (path: string): Catalog => openCatalog(path, { warn: assert.fail });

/** Another process that runs these lines with `catalog` opened at the path. */
const another = (path: string, lines: string): ChildProcess =>
  spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { openCatalog } from '${import.meta.dirname}/catalog.ts';
       const catalog = openCatalog(process.argv[1], { warn: (text) => { throw new Error(text); } });
       const now = new Date();
       ${lines}`,
      path,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );

test('the catalog is its owner’s alone', () => {
  const path = join(scratch, 'deep', 'er', 'catalog.db');
  using catalog = open(path);
  catalog.beginRun({ verb: 'backup', startedAt: minute(0) });
  assert.equal(statSync(join(scratch, 'deep', 'er')).mode & 0o777, 0o700);
  for (const file of readdirSync(join(scratch, 'deep', 'er')))
    assert.equal(statSync(join(scratch, 'deep', 'er', file)).mode & 0o777, 0o600, file);
});

test('an open catalog that others could read is closed to them', () => {
  const path = join(scratch, 'open.db');
  writeFileSync(path, '', { mode: 0o644 });
  open(path)[Symbol.dispose]();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('every migration leads from each earlier version to the same schema', () => {
  const folder = join(import.meta.dirname, 'migrations');
  const steps = readdirSync(folder).sort();
  const schemaOf = (path: string): unknown => {
    using database = new DatabaseSync(path);
    return [
      database.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all(),
      database.prepare('PRAGMA user_version').get()?.user_version,
    ];
  };
  const fresh = join(scratch, 'fresh.db');
  open(fresh)[Symbol.dispose]();
  for (const version of steps.keys()) {
    const path = join(scratch, `from-${version}.db`);
    const database = new DatabaseSync(path);
    for (const step of steps.slice(0, version)) database.exec(readFileSync(join(folder, step), 'utf8'));
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
    open(path)[Symbol.dispose]();
    assert.deepEqual(schemaOf(path), schemaOf(fresh));
  }
});

test('a catalog of a newer version is refused and left alone', () => {
  const path = join(scratch, 'newer.db');
  open(path)[Symbol.dispose]();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(
    () => open(path),
    (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.equal(error.code, 'UNSUPPORTED');
      assert.match(
        error.message,
        /newer\.db was written by a newer Holdfast \(its version is 99, this one knows \d+\)$/,
      );
      assert.match(error.hint ?? '', /HOLDFAST_CATALOG/);
      return true;
    },
  );
});

const damages: readonly (readonly [name: string, damage: (bytes: Buffer) => Buffer])[] = [
  ['no database at all', (bytes) => bytes.fill(0)],
  ['a file cut short', (bytes) => bytes.subarray(0, 4096 * 2)],
  ['pages overwritten', (bytes) => bytes.fill(0x5a, 4096, 4096 * 4)],
];
for (const [name, damage] of damages)
  test(`a damaged catalog is moved aside with a message: ${name}`, () => {
    const folder = join(scratch, name.replaceAll(' ', '-'));
    mkdirSync(folder);
    const path = join(folder, 'catalog.db');
    {
      using catalog = open(path);
      for (let n = 0; n < 200; n += 1)
        catalog.beginRun({ job: `job${n}`, verb: 'backup', startedAt: minute(n) });
    }
    const bytes = damage(readFileSync(path));
    writeFileSync(path, bytes);
    const warnings: string[] = [];
    using catalog = openCatalog(path, { warn: (text) => warnings.push(text) });
    assert.deepEqual(catalog.runs(), []);
    const aside = readdirSync(folder).find((file) => /^catalog\.db\.damaged-[\dT-]+$/.test(file)) ?? '';
    assert.match(warnings.join(), /^the catalog was damaged and begins anew; what is left of it lies in /);
    assert.equal(warnings.join().endsWith(join(folder, aside)), true);
    assert.deepEqual(readFileSync(join(folder, aside)), bytes);
  });

const strangers: readonly (readonly [name: string, make: (path: string) => void])[] = [
  ['a configuration file', (path) => writeFileSync(path, 'jobs: {}\n'.repeat(200))],
  [
    'an application’s database',
    (path) => {
      using database = new DatabaseSync(path);
      database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY)');
    },
  ],
];
for (const [name, make] of strangers)
  test(`what is no catalog is refused and left as it is: ${name}`, () => {
    const path = join(mkdtempSync(join(scratch, 'stranger-')), 'file');
    make(path);
    chmodSync(path, 0o644);
    const before = readFileSync(path);
    assert.throws(() => open(path), {
      code: 'UNSUPPORTED',
      message: /is no catalog but/,
      hint: /HOLDFAST_CATALOG/,
    });
    assert.deepEqual(readFileSync(path), before);
    assert.equal(statSync(path).mode & 0o777, 0o644);
    assert.deepEqual(readdirSync(dirname(path)), ['file']);
  });

test('a catalog that cannot be made says where and what to do', () => {
  const file = join(scratch, 'a-file');
  writeFileSync(file, '');
  assert.throws(
    () => open(join(file, 'catalog.db')),
    (error) => {
      assert.ok(error instanceof HoldfastError);
      assert.match(error.message, /^cannot use the catalog .*a-file\/catalog\.db: /);
      assert.match(error.hint ?? '', /HOLDFAST_CATALOG/);
      return true;
    },
  );
});

test('a catalog that can no longer be written says so', () => {
  const path = join(scratch, 'broken.db');
  using catalog = open(path);
  using database = new DatabaseSync(path);
  database.exec('DROP TABLE runs');
  assert.throws(
    () => catalog.beginRun({ verb: 'backup', startedAt: minute(0) }),
    /^HoldfastError: cannot use the catalog .*broken\.db: no such table: runs$/,
  );
});

test('many processes make, migrate and write one catalog at once', async () => {
  const path = join(scratch, 'shared.db');
  const writers = Array.from({ length: 6 }, (_, n) =>
    another(
      path,
      `for (let run = 0; run < 10; run += 1) {
         const id = catalog.beginRun({ job: 'job${n}', verb: 'backup', startedAt: now });
         for (let item = 0; item < 20; item += 1) catalog.recordItem(id, { source: 's', item: 'i' + item, bytes: item });
         catalog.endRun(id, { state: 'succeeded', endedAt: now, exitStatus: 0, bytes: 1, items: 20, itemsFailed: 0 });
       }
       catalog[Symbol.dispose]();`,
    ),
  );
  for (const [code] of await Promise.all(writers.map((writer) => once(writer, 'exit'))))
    assert.equal(code, 0);
  using catalog = open(path);
  const runs = catalog.runs({ limit: 1000 });
  assert.equal(runs.length, 60);
  for (const { id, state } of runs) {
    assert.equal(state, 'succeeded');
    assert.equal(catalog.run(id).items.length, 20);
  }
});

test('after kill -9 in the middle of writing everything recorded before is there, and the run was interrupted', async () => {
  using here = testCatalog();
  const before = here.catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) });
  here.catalog.endRun(before, succeeded(minute(1)));
  const writer = another(
    here.catalog.path,
    `const id = catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: now });
     for (let item = 0; ; item += 1) {
       catalog.recordItem(id, { source: 's', item: 'i' + item, bytes: item });
       if (item === 2000) process.stdout.write(id);
     }`,
  );
  const [id] = await once(writer.stdout!, 'data');
  writer.kill('SIGKILL');
  await once(writer, 'exit');

  using catalog = open(here.catalog.path);
  const { run, items } = catalog.run(String(id));
  assert.equal(run.state, 'interrupted');
  assert.ok(items.length >= 2000);
  assert.deepEqual(
    items.map(({ item }) => item),
    Array.from(items, (_, n) => `i${n}`),
  );
  assert.equal(catalog.run(before).run.state, 'succeeded');
  assert.deepEqual(
    catalog.status().map(({ last, lastSuccess }) => [last.id, lastSuccess?.id]),
    [[String(id), before]],
  );
});

test('a catalog that the disk does not give is left where it is', { skip: skipWithoutFailingDisk() }, () => {
  using disk = failingDisk(join(temporaryFolder('catalog'), 'disk'));
  const path = join(disk.path, 'catalog.db');
  const warnings: string[] = [];
  const open = () => openCatalog(path, { warn: (text) => warnings.push(text) });
  {
    using catalog = open();
    catalog.beginRun({ verb: 'backup', startedAt: minute(0) });
  }
  disk.fail(path, 5 * 4096);
  assert.throws(open, { code: 'FAILED', message: /EIO/, hint: /dmesg/ });
  disk.heal();
  using catalog = open();
  assert.equal(catalog.runs().length, 1);
  assert.deepEqual(warnings, []);
});
