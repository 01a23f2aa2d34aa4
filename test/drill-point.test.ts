// Drills of whole restore points: each source as one run stored it, and queries across all of them.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { execute } from '../src/sources/sqlite/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines, startCli } from './tools/cli.ts';
import { type DrillSite, drillSite, tamper } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('drills of whole restore points', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('drill-point');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: PostgresServer;
  let site: DrillSite;

  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', 'create database shop');
    await server.psql(
      'shop',
      `create table products (id int primary key, picture text); insert into products values (1, 'a.jpg'), (2, 'b.jpg');
        create schema sales; create table sales.orders (id int primary key); insert into sales.orders values (17), (18)`,
    );
    execute(
      at('books.db'),
      `pragma journal_mode = wal; create table invoices (number integer primary key, "order" integer);
        insert into invoices values (1, 17), (2, 18)`,
    );
    mkdirSync(at('scratch'));
    mkdirSync(at('media'));
    for (const name of ['a.jpg', 'b.jpg']) writeFileSync(at('media', name), name);
    site = await drillSite(
      folder,
      `
sources:
  shop: { kind: postgres, url: "${server.url('shop')}" }
  my.books: { kind: sqlite, path: ${at('books.db')} }
  media: { kind: files, path: ${at('media')} }
jobs:
  nightly: { backup: [shop, my.books, media], to: [here] }
  hourly: { backup: [media], to: [here] }
  prove:
    drill:
      point: nightly
      sources: [{ source: shop, queries: [{ query: select count(*) from products, expect: 2 }] }]
    from: here
    scratch: ${at('scratch')}
    across:
      - { query: "select count(*) from shop.products p left join media.files f on f.path = '/media/' || p.picture where f.path is null", expect: 0 }
      - { query: "select o.id from shop.\\"sales.orders\\" o join \\"my.books\\".invoices i on i.\\"order\\" = o.id where o.id > 0", expect: 17, rows: 2 }
  doubt:
    drill: { point: nightly }
    from: here
    scratch: ${at('scratch')}
    across:
      - { query: select picture from shop.products, rows: 3 }
      - { query: select * from shop.nowhere }
      - { query: select * from products }
      - { query: select max(size) from media.files where path like '%.jpg', expect: 5 }
  long:
    drill: { point: nightly }
    from: here
    scratch: ${at('scratch')}
    across: [{ query: with recursive n(i) as (select 1 union all select i + 1 from n) select i from n }]
`,
    );
  });
  after(() => server?.[Symbol.asyncDispose]());

  /** The run of a backup, which ends with this status. */
  const backUp = async (job = 'nightly', expected = 0): Promise<string> => {
    const { status, stdout, stderr } = await site.run('backup', job, '--json');
    assert.equal(status, expected, stderr);
    return String(jsonLines(stdout).find(({ message_type }) => message_type === 'run_done')?.run);
  };
  const snapshotsOf = async (run: string): Promise<unknown[]> =>
    jsonLines((await site.run('snapshots', '--run', run, '--json')).stdout)
      .filter(({ message_type }) => message_type === 'snapshot')
      .map(({ id }) => id);
  const drilled = (): string[] =>
    site
      .drills()
      .slice(-3)
      .map(({ snapshot }) => snapshot);

  let whole: string;

  test('where no run stored all of it whole, that is said, with what to do', async () => {
    const none = await site.run('drill', 'prove');
    assert.equal(none.status, 1);
    assert.match(
      none.stderr,
      /prove: the repository holds no snapshots\nhint: `holdfast backup nightly` makes/,
    );
    await backUp('hourly');
    assert.match((await site.run('drill', 'nightly', '--point')).stderr, /no snapshot of job "nightly"/);
    renameSync(at('media'), at('gone'));
    const run = await backUp('nightly', 3);
    renameSync(at('gone'), at('media'));
    const lacking = await site.run('drill', 'nightly', '--point');
    assert.equal(lacking.status, 1);
    assert.match(
      lacking.stderr,
      new RegExp(
        `no run of nightly stored shop, my.books, media whole\\nhint: the newest run, ${run}, has no snapshot of media`,
      ),
    );
    assert.match((await site.run('doctor', 'prove')).stdout, /job prove .*no run of nightly stored/);
  });

  test('all sources are drilled as one run stored them, and asked across, and it is remembered', async () => {
    whole = await backUp();
    await backUp('hourly'); // newer, and of another run
    const { status, stdout, stderr } = await site.run('drill', 'prove', '--json', '-v');
    assert.equal(status, 0, stdout + stderr);
    assert.deepEqual(new Set(drilled()), new Set(await snapshotsOf(whole)));
    const lines = jsonLines(stdout);
    assert.deepEqual(
      lines
        .filter(({ message_type }) => message_type === 'query_passed')
        .map(({ job, found }) => [job, found]),
      [
        [undefined, '2'],
        ['nightly', '0'],
        ['nightly', '17, 2 rows'],
      ],
    );
    const point = lines.find(({ message_type }) => message_type === 'point_drilled');
    assert.deepEqual(
      [point?.run, point?.state, point?.queries, point?.queries_failed, point?.sources],
      [whole, 'passed', 2, 0, ['shop', 'my.books', 'media']],
    );
    const { stdout: standing } = await site.run('status');
    assert.match(
      standing,
      /^restore points of nightly: proven as a whole just now \(3 sources, 2 queries across them\)$/m,
    );
    const { stdout: told } = await site.run('runs', 'latest');
    assert.match(told, new RegExp(`^restore point ${whole} of nightly, of .*: passed \\(3 sources`, 'm'));
    const { stdout: report } = await site.run('report');
    assert.match(
      report,
      new RegExp(`\\| ${whole} of .* \\| passed \\| shop, my.books, media \\| 2 of 2 \\|`),
    );
  });

  test('a newer run that is not whole is passed over, and named', async () => {
    renameSync(at('media'), at('gone'));
    const run = await backUp('nightly', 3);
    renameSync(at('gone'), at('media'));
    const { status, stdout, stderr } = await site.run('drill', 'nightly', '--point');
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`nightly: run ${run} is newer, but is not whole`));
    assert.match(
      stdout,
      new RegExp(`nightly: restore point ${whole}, of .*, is proven as a whole \\(3 sources\\)`),
    );
  });

  test('sources that are whole and do not fit each other are a difference', async () => {
    rmSync(at('media', 'b.jpg'));
    await backUp();
    const { status, stdout, stderr } = await site.run('run', 'prove');
    assert.equal(status, 4, stderr);
    assert.match(stdout, /media: snapshot \w{8} is proven/);
    assert.match(stderr, /^nightly: select count\(\*\) from shop.products .*: expected was 0, found: 1$/m);
    assert.match(
      stderr,
      /is not proven as a whole: 1 query across its sources did not find what was expected\nhint: /,
    );
    assert.match(
      (await site.run('status')).stdout,
      /points of nightly: proven .*; the last drill found a difference/,
    );
    const older = await site.run('drill', 'nightly', '--point', '--run', whole);
    assert.equal(older.status, 0, older.stderr);
    assert.match(older.stdout, new RegExp(`restore point ${whole}, of .*, is proven as a whole`));
    assert.doesNotMatch(older.stderr, /whole/);
    const [first] = await snapshotsOf(whole);
    assert.equal((await site.run('tag', '--add', 'suspicious', String(first))).status, 0);
    const flawed = await site.run('drill', 'nightly', '--point', '--run', whole);
    assert.match(flawed.stderr, new RegExp(`nightly: run ${whole} did not store \\S+ whole: it is drilled`));
  });

  test('a drill that asks nothing does not hide that queries found a difference', async () => {
    assert.equal((await site.run('drill', 'nightly', '--point')).status, 0);
    const { stdout } = await site.run('status');
    assert.match(
      stdout,
      /^restore points of nightly: proven as a whole just now \(3 sources\); queries across them were last asked just now, and found a difference$/m,
    );
  });

  test('a query across that fails is a difference, with its message', async () => {
    const { status, stderr } = await site.run('drill', 'doubt');
    assert.equal(status, 4);
    assert.match(stderr, /select picture from shop.products: expected was 3 rows, found: 2 rows/);
    assert.match(stderr, /from shop.nowhere: .* it failed: shop: the snapshot has no table "nowhere"/);
    assert.match(stderr, /from products: .* it failed: no snapshot is named in front of "products"/);
    assert.doesNotMatch(stderr, /max\(size\)/);
    assert.match(stderr, /3 queries across its sources did not find/);
    const { status: examined, stdout } = await site.run('doctor', 'doubt', 'prove');
    assert.equal(examined, 3, stdout);
    assert.match(stdout, /job doubt .*from shop.nowhere: shop: the snapshot has no table "nowhere"/);
    assert.doesNotMatch(stdout, /select picture|job prove/);
  });

  test('a drill that is cancelled while it asks ends so, and holds nothing', async () => {
    const drill = startCli(['run', 'long'], { env: { HOLDFAST_CONFIG: at('holdfast.yaml') } });
    drill.process.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('asking across')) drill.process.kill('SIGINT');
    });
    assert.equal((await drill.result).status, 130);
    assert.match((await site.run('runs', 'latest')).stdout, /^drill long: cancelled/);
  });

  test('a source that differs is named, and so is the point that it is of', async () => {
    await tamper(site, 'my.books', (path, text) =>
      path.startsWith('data/invoices/') ? text.replace('18', '19') : text,
    );
    const { status, stderr } = await site.run('drill', 'nightly', '--point');
    assert.equal(status, 4);
    assert.match(stderr, /my.books: table invoices: its rows are not those captured/);
    assert.match(stderr, /nightly: restore point \S+, of .*, is not proven as a whole: see my.books/);
    assert.match((await site.run('report')).stdout, /\| differs \| .* \| 0 of 0 \| see its sources above \|/);
  });

  test('what names no restore point is refused', async () => {
    const refused = async (message: RegExp, ...words: string[]): Promise<void> => {
      const { status, stderr } = await site.run('drill', ...words);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    };
    await refused(/--run is for a snapshot.*\nhint: add --point/, 'nightly', '--run', whole);
    await refused(/--point is for a backup job, and prove is a drill job/, 'prove', '--point');
    await refused(/has no job called "nightl"; did you mean "nightly"/, 'nightl', '--point');
    await refused(/--source is for a snapshot/, 'nightly', '--point', '--source', 'shop');
    assert.equal((await site.run('drill', 'nightly', '--point', '--run', 'none')).status, 1);
  });
});
