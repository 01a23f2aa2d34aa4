// Drills of folders and SQLite databases: green when all comes back, red for whatever does not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, suite, test } from 'node:test';
import type { DrillRun } from '../src/jobs/drill/drill.ts';
import { jsonLines } from './tools/cli.ts';
import { type DrillSite, drillSite, drillWith, tamper } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of files and SQLite', () => {
  const folder = temporaryFolder('drill');
  let site: DrillSite;

  before(async () => {
    mkdirSync(join(folder, 'scratch'));
    makeMedia(join(folder, 'media'));
    makeShop(join(folder, 'shop.db'));
    site = await drillSite(
      folder,
      `
sources:
  media: { kind: files, path: ${folder}/media }
  shop: { kind: sqlite, path: ${folder}/shop.db }
jobs:
  nightly: { backup: [media, shop], to: [here] }
  prove:
    drill:
      - media
      - source: shop
        queries:
          - { query: select count(*) from orders, expect: "> 2" }
          - { query: select what from orders order by id, expect: tea, rows: ">= 3" }
          - { query: select * from dear }
    from: here
    scratch: ${folder}/scratch
  doubt:
    drill:
      - media
      - source: shop
        queries:
          - { query: select count(*) from orders, expect: 17 }
          - { query: select * from nowhere }
          - { query: select 1 where false }
    from: here
    scratch: ${folder}/scratch
`,
    );
    assert.equal((await site.run('backup')).status, 0);
  });

  const assertTidy = (): void => assert.deepEqual(readdirSync(site.scratch), [], 'something was left behind');

  const differencesOf = (run: DrillRun): readonly string[] => {
    assert.equal(run.status, 4);
    assertTidy();
    const [outcome] = run.outcomes;
    assert.ok(outcome && 'report' in outcome);
    return outcome.report.firstDifferences;
  };

  test('what comes back as it was is proven, and nothing of the drill stays', async () => {
    const { status, stdout } = await site.run('drill', 'prove', '--json');
    assert.equal(status, 0);
    const drilled = jsonLines(stdout).filter(({ message_type }) => message_type === 'drilled');
    assert.deepEqual(
      drilled.map(({ source, state, differences, queries, tables, rows }) => [
        source,
        state,
        differences,
        queries,
        tables,
        rows,
      ]),
      [
        ['media', 'passed', 0, 0, 0, 0],
        ['shop', 'passed', 0, 3, 2, 4],
      ],
    );
    assertTidy();
    const { stdout: standing } = await site.run('status');
    assert.match(standing, /shop: proven just now, restored in /);
  });

  test('a snapshot is drilled by its name, and a backup job by its newest snapshots', async () => {
    assert.equal((await site.run('drill', 'latest:shop', '--scratch', site.scratch)).status, 0);
    assert.equal((await site.run('drill', 'nightly')).status, 0);
    const kinds = site.drills().map(({ kind, state, removed }) => `${kind} ${state} ${removed}`);
    assert.deepEqual(kinds.slice(-3), ['sqlite passed true', 'files passed true', 'sqlite passed true']);
  });

  test('a query that fails or gives something else is a difference', async () => {
    const { status, stderr } = await site.run('drill', 'doubt');
    assert.equal(status, 4);
    assert.equal((await site.run('run', 'doubt')).status, 4, 'also beside a source that is proven');
    assert.match(stderr, /select count\(\*\) from orders: expected was 17, found: 3/);
    assert.match(
      stderr,
      /select \* from nowhere: expected was at least one row, found: it failed: .*no such table: nowhere/,
    );
    assert.match(stderr, /select 1 where false: expected was at least one row, found: 0 rows/);
    assert.match(stderr, /shop: snapshot \w{8} came back as it was captured, and 3 queries did not find/);
    assert.doesNotMatch(stderr, /DIFFERS/);
    assertTidy();
  });

  test('a file that is lost, changed, new or of another mode is named', async () => {
    const run = await drillWith(site, 'media', ({ name }) => {
      const at = (...parts: string[]): string => join(site.scratch, name, ...parts);
      chmodSync(at('closed'), 0o755);
      rmSync(at('lost.txt'));
      writeFileSync(at('closed', 'inner.bin'), Buffer.alloc(100_000, 8));
      appendFileSync(at('zz-new'), 'new');
      chmodSync(at('a.txt'), 0o600);
      rmSync(at('link'));
      symlinkSync('elsewhere', at('link'));
    });
    const differences = differencesOf(run).filter((text) => !/its time is/.test(text));
    assert.deepEqual(differences, [
      'a.txt: its mode is 0600, captured was 0644',
      'closed: its mode is 0755, captured was 0555',
      'closed/inner.bin: its content is not what was captured',
      'hard: its mode is 0600, captured was 0644',
      'link: its target is elsewhere, captured was a.txt',
      'lost.txt is missing',
      'zz-new was not captured',
    ]);
  });

  test('an index, a row, a cell or a table that a restore lost is named', async () => {
    const spoilt = async (sql: string): Promise<readonly string[]> =>
      differencesOf(
        await drillWith(site, 'shop', ({ name }) => {
          using db = new DatabaseSync(join(site.scratch, name, 'restored.db'));
          db.exec(sql);
        }),
      );
    assert.deepEqual(await spoilt('drop index by_what'), ['index by_what is missing']);
    assert.match(
      (await spoilt('delete from orders where id = 2'))[0] ?? '',
      /^table orders: 2 rows, captured were 3$/,
    );
    assert.match(
      (await spoilt("update orders set what = 'tee' where id = 1"))[0] ?? '',
      /^table orders: its rows are not those captured/,
    );
    const dropped = await spoilt('drop view dear; drop table stock; drop trigger counted');
    assert.deepEqual(dropped, [
      'table stock: its rows are missing',
      'table stock is missing',
      'view dear is missing',
      'trigger counted is missing',
    ]);
  });

  test('a server for what becomes files is refused', async () => {
    const { status, stderr } = await site.run('drill', 'latest:shop', '--into', 'sqlite:/srv/spare.db');
    assert.equal(status, 2);
    assert.match(stderr, /--into means nothing for a snapshot of kind sqlite\nhint: .*--scratch/);
  });

  test('no scratch folder is made: it may be a disk that is not mounted', async () => {
    const absent = join(site.scratch, 'absent');
    const { status, stderr } = await site.run('drill', 'latest:shop', '--scratch', absent);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /absent: nothing can be restored there for a trial: ENOENT.*\n.*hint: make the folder/,
    );
    assertTidy();
  });

  test('a snapshot that is not what its manifest says is not proven', async () => {
    const inOrders = (change: (text: string) => string) => (path: string, text: string) =>
      path.startsWith('data/orders/') ? change(text) : text;
    const drilled = async (): Promise<string> => {
      const { status, stderr } = await site.run('drill', 'latest:shop', '--scratch', site.scratch);
      assert.equal(status, 4);
      assertTidy();
      return stderr;
    };
    await tamper(
      site,
      'shop',
      inOrders((text) => text.slice(text.indexOf('\n') + 1)),
    );
    assert.match(await drilled(), /shop: table orders: 2 rows, captured were 3/);
    await site.run('backup');
    await tamper(
      site,
      'shop',
      inOrders((text) => text.replace('milk', 'silk')),
    );
    assert.match(await drilled(), /shop: table orders: its rows are not those captured/);
    await site.run('backup');
    assert.equal((await site.run('drill', 'latest:shop', '--scratch', site.scratch)).status, 0);
  });

  test('what a backup could not capture is noted, and the rest is proven', async () => {
    const path = join(folder, 'torn.db');
    makeShop(path);
    {
      using db = new DatabaseSync(path);
      db.exec(
        "create table log (id integer primary key, note text unique); insert into log (note) values ('x')",
      );
    }
    damageTable(path, 'log');
    assert.equal((await site.run('-r', 'here', 'backup', path)).status, 3);
    const { status, stdout, stderr } = await site.run('drill', 'latest:torn', '--scratch', site.scratch);
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /the backup itself lacks log: /);
    assertTidy();
  });

  test('what a killed drill left behind is removed by the next one, and nothing else', async () => {
    mkdirSync(join(site.scratch, 'holdfast_drill_somebodyelses'));
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'tools', 'kill-drill.ts'),
      folder,
      'shop',
    ]);
    const [, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL');
    assert.equal(readdirSync(site.scratch).length, 2, 'the place of the killed drill is there');
    assert.equal(site.drills().at(-1)?.state, 'interrupted');
    assert.equal((await site.run('drill', 'latest:shop', '--scratch', site.scratch)).status, 0);
    assert.deepEqual(readdirSync(site.scratch), ['holdfast_drill_somebodyelses']);
    assert.deepEqual(
      site
        .drills()
        .slice(-2)
        .map(({ state, removed }) => [state, removed]),
      [
        ['interrupted', true],
        ['passed', true],
      ],
    );
  });
});

const makeMedia = (folder: string): void => {
  mkdirSync(join(folder, 'closed'), { recursive: true });
  writeFileSync(join(folder, 'a.txt'), 'hello');
  linkSync(join(folder, 'a.txt'), join(folder, 'hard'));
  writeFileSync(join(folder, 'lost.txt'), 'here');
  writeFileSync(join(folder, 'closed', 'inner.bin'), Buffer.alloc(100_000, 7));
  symlinkSync('a.txt', join(folder, 'link'));
  for (const name of ['a.txt', 'lost.txt']) {
    chmodSync(join(folder, name), 0o644);
    utimesSync(join(folder, name), 1_700_000_000.123456, 1_700_000_000.123456);
  }
  chmodSync(join(folder, 'closed'), 0o555);
};

/** Overwrites the beginning of the first page of a table's tree. */
const damageTable = (path: string, table: string): void => {
  using db = new DatabaseSync(path);
  const { rootpage, page_size } = db
    .prepare('select rootpage, page_size from sqlite_schema, pragma_page_size where name = ?')
    .get(table) as { rootpage: number; page_size: number };
  db.exec('pragma wal_checkpoint(truncate)');
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(64, 0xee), 0, 64, (rootpage - 1) * page_size);
  closeSync(file);
};

const makeShop = (path: string): void => {
  using db = new DatabaseSync(path);
  db.exec(`pragma journal_mode = wal;
    create table orders (id integer primary key autoincrement, what text, price real);
    create table stock (what text primary key, n integer) without rowid;
    insert into orders (what, price) values ('tea', 1.5), ('milk', 2), ('salt', 1e300);
    insert into stock values ('tea', 5);
    create index by_what on orders (what) where price > 0;
    create view dear as select * from orders where price > 1;
    create trigger counted after insert on orders begin update stock set n = n - 1 where what = new.what; end;`);
};
