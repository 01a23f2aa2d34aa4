// What the rows of system-versioned tables were before: backed up in the same state as everything else, and brought back.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, suite, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { manifestSchema } from '../manifest.ts';
import { plainDumperOf, type Source, scratchMakerOf } from '../source.ts';
import { type CapturedEntry, capture, contentAt, inPathOrder, partOf, replay, textAt } from '../testing.ts';
import { dumpOf, openMysql, restoreTo } from './testing.ts';

/** By name, what stands in its brackets and behind them. Each gets the same changes at the same times. */
const tables = {
  plain: ['id int primary key, x varchar(60)', ''],
  explicit_times: [
    'id int primary key, x varchar(60), since timestamp(6) generated always as row start, till timestamp(6) generated always as row end, period for system_time (since, till)',
    '',
  ],
  hidden_times: [
    'id int primary key, x varchar(60), `s\nx` timestamp(6) generated always as row start invisible, `t``*/"x` timestamp(6) generated always as row end invisible, period for system_time (`s\nx`, `t``*/"x`)',
    '',
  ],
  'hostile `*/ "name"; --': ['id int primary key, x varchar(60) unique', ''],
  keyless: [
    'id int, x varchar(60), loud varchar(60) generated always as (upper(x)) stored, first char generated always as (left(x, 1))',
    '',
  ],
  numbered: [
    'id int primary key, x varchar(60), no int not null auto_increment, key (no), doc json, f float default 0.1',
    '',
  ],
  partly: ['id int primary key, x varchar(60), seen int default 1 without system versioning', ''],
  long_key: ['id int, x text unique', ''],
  by_hour: [
    'id int primary key, x varchar(60)',
    "partition by system_time interval 1 hour starts timestamp'2026-01-01 00:00:00' partitions 4",
  ],
  by_day_auto: [
    'id int primary key, x varchar(60)',
    "partition by system_time interval 1 day starts timestamp'2026-01-01 00:00:00' auto partitions 3",
  ],
  by_count: ['id int primary key, x varchar(60)', 'partition by system_time limit 2 partitions 3'],
  in_halves: [
    'id int primary key, x varchar(60)',
    'partition by system_time (partition h history, partition c current)',
  ],
  appointments: [
    "id int, x varchar(60), s date default '2020-01-01', e date default '2021-01-01', period for during (s, e), unique (id, during without overlaps)",
    '',
  ],
} as const;

const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

const changesTo = (name: string): string => {
  const table = quoted(name);
  return `set timestamp = unix_timestamp('2026-01-01 00:30:00') + 0.111111;
    insert into ${table} (id, x) values (1, 'one'), (2, 'tw*/o'), (3, 'it''s \\\\ */ \\t'), (4, null);
    set timestamp = unix_timestamp('2026-01-01 01:30:00') + 0.222222; update ${table} set x = concat(x, '!') where id <= 2;
    set timestamp = unix_timestamp('2026-01-01 02:30:00') + 0.333333; update ${table} set x = '; */ drop' where id = 1; delete from ${table} where id = 3;
    set timestamp = unix_timestamp('2026-01-05 00:00:00'); insert into ${table} (id, x) values (3, 'again'); set timestamp = default;`;
};

const makeDatabase = `${Object.entries(tables)
  .map(
    ([name, [columns, options]]) =>
      `create table ${quoted(name)} (${columns}) with system versioning ${options}; ${changesTo(name)}`,
  )
  .join('\n')}
  create table emptied (id int primary key, x int) with system versioning; insert into emptied values (1, 1), (2, 2); delete from emptied;
  create table parents (id int primary key, x int) with system versioning; insert into parents values (1, 1), (2, 2); update parents set x = 5;
  create table children (id int primary key, parent int, foreign key (parent) references parents (id)) with system versioning;
  insert into children values (1, 1), (2, 2); delete from children where id = 2; delete from parents where id = 2;
  create table ordinary (id int primary key); insert into ordinary values (1);
  create trigger louder before insert on plain for each row set new.x = 'the trigger ran';`;

suite('the history of tables of MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let server: MysqlServer;
  let dumped: readonly CapturedEntry[];
  const names = [...Object.keys(tables), 'emptied', 'parents', 'children'];
  before(async () => {
    server = await startMariadb({ settings: ['default-time-zone=+05:30'] });
    await server.sql('create database past character set utf8mb4');
    await server.client(['past'], `set time_zone = '+00:00';\n${makeDatabase}`);
    dumped = await dumpOf(server, { url: server.url('past') });
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const timesOf = (name: string): readonly [string, string] =>
    name === 'explicit_times'
      ? ['since', 'till']
      : name === 'hidden_times'
        ? ['`s\nx`', '`t``*/"x`']
        : ['row_start', 'row_end'];
  /** All that a table ever held, and what it held at two moments. */
  const everything = async (on: MysqlServer, database: string, name: string): Promise<string> => {
    const [start, end] = timesOf(name);
    const from = quoted(name);
    const both = `order by id, ${start}, ${end}, t.x`;
    const table =
      name === 'children'
        ? `(select *, parent as x, ${start}, ${end} from ${from} for system_time all) t`
        : `${from} for system_time all t`;
    return await on.sql(
      `set time_zone = '+00:00'; select t.*, ${start}, ${end} from ${table} ${both};
       select '--', count(*) from ${from}; select '--', t.* from ${from} for system_time as of '2026-01-01 01:00:00' t order by id;
       select '--', t.* from ${from} for system_time as of '2026-01-01 02:00:00' t order by id;`,
      database,
    );
  };
  const definitions = async (on: MysqlServer, database: string): Promise<string> => await on.dump(database);
  const assertSame = async (on: MysqlServer, database: string): Promise<void> => {
    for (const name of names)
      assert.equal(await everything(on, database, name), await everything(server, 'past', name), name);
    assert.equal(await definitions(on, database), await definitions(server, 'past'));
  };

  test('every row that ever was comes back with its times, in tables of every kind', async () => {
    const { failures, warnings } = await restoreTo(server, dumped, { url: server.url('copy') });
    assert.deepEqual([failures, warnings], [[], []]);
    await assertSame(server, 'copy');
    const { rows, entries } =
      manifestSchema
        .parse(JSON.parse(textAt(dumped, 'past/manifest.json')))
        .tables.find(({ name }) => name === 'past.plain') ?? assert.fail();
    assert.deepEqual([rows, entries], [8, ['data/plain/0000.tsv', 'data/plain/history.tsv']]);
    assert.match(
      textAt(dumped, 'past/data/plain/history.tsv'),
      /^1\tone\t2026-01-01 00:30:00\.111111\t2026-01-01 01:30:00\.222222\n/,
    );
    const [count] = (
      await server.sql(
        "select group_concat(table_rows order by partition_ordinal_position) from information_schema.partitions where table_schema = 'copy' and table_name = 'by_hour'",
      )
    ).split('\n');
    assert.equal(
      count,
      await server.sql(
        "select group_concat(table_rows order by partition_ordinal_position) from information_schema.partitions where table_schema = 'past' and table_name = 'by_hour'",
      ),
    );
  });

  test('what was brought back reads as what was backed up', async () => {
    await restoreTo(server, dumped, { url: server.url('mirror') });
    const again = await dumpOf(server, { url: server.url('mirror') });
    const rows = (entries: readonly CapturedEntry[]): string[] =>
      entries
        .filter(({ path }) => path.endsWith('.tsv'))
        .map(
          ({ path, content }) =>
            `${path.replace(/^\w+/, '')} ${Buffer.from(content ?? []).toString('latin1')}`,
        );
    assert.deepEqual(
      rows(again).map((text) => text.split(' ')[0]),
      rows(dumped).map((text) => text.split(' ')[0]),
    );
    const sorted = (entries: readonly CapturedEntry[]): string[] =>
      rows(entries).map((text) => text.split('\n').toSorted().join('\n'));
    assert.deepEqual(sorted(again), sorted(dumped));
  });

  test('the stock client brings it back from load.sql, and from one file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-history-'));
    try {
      for (const { path, content } of dumped)
        if (content) {
          await mkdir(dirname(join(folder, path)), { recursive: true });
          await writeFile(join(folder, path), content);
        }
      await server.sql('create database loaded character set utf8mb4');
      const feed = (file: string): Promise<string> =>
        server.client(['--local-infile', 'loaded'], contentAt(dumped, `past/${file}`), join(folder, 'past'));
      for (const file of ['01-tables.sql', 'load.sql', 'post-data.sql']) await feed(file);
      await assertSame(server, 'loaded');
    } finally {
      await rm(folder, { recursive: true });
    }
    await server.sql('create database from_one character set utf8mb4');
    await server.client(['from_one'], await oneFile());
    await assertSame(server, 'from_one');
  });

  const oneFile = async (): Promise<Buffer> => {
    await using source = await openMysql(server, { url: server.url('past') });
    for await (const dump of plainDumperOf(source)?.plainDumps() ?? [])
      return Buffer.concat(await Array.fromAsync(dump.content(), (chunk) => Buffer.from(chunk)));
    return assert.fail('no dump');
  };

  test('one file taken apart again has it too', async () => {
    const bytes = await oneFile();
    await using target = await openMysql(server, { url: server.url('apart') });
    const entries = plainDumperOf(target)?.readPlain(Readable.from([bytes])) ?? assert.fail();
    await target.restore(entries, { force: false, rename: [], sequential: true });
    await assertSame(server, 'apart');
  });

  test('a server that takes no files takes it; one where nobody may set the time takes the current rows, and that is told', async () => {
    await using strict = await startMariadb({ settings: ['local-infile=0', 'secure-timestamp=YES'] });
    await using plain = await startMariadb({ settings: ['local-infile=0'] });
    await using loading = await startMariadb({ settings: ['secure-timestamp=YES'] });
    const { warnings } = await restoreTo(plain, dumped, { url: plain.url('past') });
    assert.deepEqual(warnings, []);
    await assertSame(plain, 'past');
    for (const target of [strict, loading]) {
      const report = await restoreTo(target, dumped, { url: target.url('past') });
      assert.deepEqual(report.failures, []);
      assert.equal(report.warnings.length, names.length);
      assert.match(
        report.warnings.join('\n'),
        /^the history of past\.plain was left out: only MariaDB 10\.11/m,
      );
      for (const name of names) {
        const sql = `select * from ${quoted(name)} order by 1`;
        const stable = name === 'explicit_times' ? sql.replace('*', 'id, x') : sql;
        assert.equal(await target.sql(stable, 'past'), await server.sql(stable, 'past'), name);
      }
    }
  });

  test('a part comes back with it: where no table is, in the place of one, and beside it', async () => {
    await restoreTo(server, dumped, { url: server.url('parts') });
    const part = (name: string, into = {}) =>
      restoreTo(
        server,
        partOf(dumped, `past/data/${name}`),
        { url: server.url('parts') },
        { selection: [`past/data/${name}`], ...into },
      );
    await server.sql('drop table plain; update partly set x = 7; delete from emptied', 'parts');
    for (const name of ['plain', 'partly', 'children']) await part(name, { force: name !== 'plain' });
    await assert.rejects(part('emptied'), (error) => hasCode(error, 'TARGET_NOT_EMPTY'));
    await part('emptied', { rename: [['emptied', 'once']] });
    for (const name of names) {
      const seen = (database: string): Promise<string> =>
        server.sql(`show create table ${quoted(name)}`, database);
      if (name !== 'emptied')
        assert.equal(await everything(server, 'parts', name), await everything(server, 'past', name));
      assert.equal(await seen('parts'), await seen('past'));
    }
    assert.equal(await server.sql('select count(*) from once for system_time all', 'parts'), '2');
  });

  test('rows and what they were belong to one state, whatever is written meanwhile', async () => {
    await server.sql(
      `create database busy; use busy; create table busy.a (id int primary key, x int) with system versioning;
       insert into busy.a select seq, 0 from seq_1_to_500`,
    );
    let writing = true;
    const written = (async () => {
      while (writing)
        await server.sql(
          'update a set x = x + 1 where id % 2 = 0; update a set x = x + 1 where id % 3 = 0',
          'busy',
        );
    })();
    for (let round = 0; round < 3; round += 1) {
      const entries = await dumpOf(server, { url: server.url('busy') });
      const rows = (file: string) =>
        textAt(entries, `busy/data/a/${file}`)
          .split('\n')
          .slice(0, -1)
          .map((line) => line.split('\t'));
      const current = rows('0000.tsv');
      const past = Map.groupBy(rows('history.tsv'), ([id]) => id);
      assert.equal(current.length, 500);
      for (const [id, , start] of current) {
        const ends = (past.get(id) ?? []).map(([, , from, to]) => [from, to]);
        const begun = [...ends.map(([from]) => from), start];
        assert.deepEqual(
          begun.slice(1),
          ends.map(([, to]) => to),
          `row ${id}`,
        );
      }
    }
    writing = false;
    await written;
  });

  test('rows that lasted no time are named, and keep none of the others from coming back', async () => {
    await server.sql(
      `create database brief; use brief; create table brief.a (id int primary key, x int) with system versioning;
       replace into brief.a values (1, 1), (1, 2), (2, 2); update brief.a set x = 3`,
    );
    const said: string[] = [];
    const log = { ...silentLog, warn: (...words: unknown[]) => void said.push(words.join(' ')) };
    await using source = await openMysql(server, { url: server.url('brief') }, { log });
    const entries = await capture(source);
    assert.deepEqual(said, [
      'of the history of brief.a, 1 row that lasted no time is not kept: no server takes such rows back',
    ]);
    await restoreTo(server, entries, { url: server.url('brief_again') });
    const all =
      'select a.*, row_start, row_end from a for system_time all where row_start < row_end order by 1, 2';
    assert.equal(await server.sql(all, 'brief_again'), await server.sql(all, 'brief'));
  });

  test('what is not kept is named by check and by each run: rows of transactions, and of engines without them', async () => {
    await server.sql(
      `create database other; use other;
       create table numbers (id int, s bigint unsigned generated always as row start, e bigint unsigned generated always as row end, period for system_time (s, e)) with system versioning;
       create table aria (id int) engine=Aria with system versioning; insert into aria values (1); update aria set id = 2; insert into numbers (id) values (1); update numbers set id = 2`,
    );
    const said: string[] = [];
    const log = { ...silentLog, warn: (...words: unknown[]) => void said.push(String(words.at(-1))) };
    await using source = await openMysql(server, { url: server.url('other') }, { log });
    const findings = (await source.check()).filter(({ message }) => /history/.test(message));
    assert.deepEqual(findings.map(({ subject }) => subject).toSorted(), [
      'table other.aria',
      'table other.numbers',
    ]);
    const entries = await capture(source);
    assert.deepEqual(
      said.filter((text) => /history/.test(text)).map((text) => text.split(' ')[1]),
      ['other.aria', 'other.numbers'],
    );
    assert.equal(textAt(entries, 'other/data/numbers/0000.tsv'), '2\n');
    const { warnings } = await restoreTo(server, entries, { url: server.url('other_again') });
    assert.deepEqual(warnings, []);
    const still = await dumpOf(server, { url: server.url('other'), lockNonTransactional: true });
    assert.match(textAt(still, 'other/data/aria/history.tsv'), /^1\t/);
  });

  test('sessions that look into the past unless told, as a server may have it, are told', async () => {
    await server.sql(
      "create database earlier; create table earlier.a (id int) with system versioning; insert into earlier.a values (1); set global system_versioning_asof = '2020-01-01 00:00:00'",
    );
    try {
      assert.match(
        textAt(await dumpOf(server, { url: server.url('earlier') }), 'earlier/data/a/0000.tsv'),
        /^1\t/,
      );
    } finally {
      await server.sql('set global system_versioning_asof = default');
    }
  });

  test('a copy is read as its snapshot was: with history, or, where that has none, without', async () => {
    const small = await dumpOf(server, { url: server.url('earlier') });
    for (const [at, entries] of [small, asBefore(small)].entries()) {
      await using source = await openMysql(server, { url: server.url('earlier') });
      const maker = scratchMakerOf(source) ?? assert.fail();
      const request = { name: `holdfast_drill_history${at}`, folder: '/nowhere', databases: ['earlier'] };
      await using place = await maker.openScratch(request);
      await place.restore(replay(inPathOrder(entries)), () => {});
      const again = await capture(place as unknown as Source);
      const tablesIn = (dump: readonly CapturedEntry[]) =>
        manifestSchema
          .parse(JSON.parse(textAt(dump, 'earlier/manifest.json')))
          .tables.map(({ entries: files, rows, checksum }) => ({ files, rows, checksum }));
      assert.deepEqual(tablesIn(again), tablesIn(entries));
      assert.equal(tablesIn(again)[0]?.files.length, at === 0 ? 2 : 1);
      await maker.removeScratch(request.name, request.folder);
    }
  });
});

/** A dump of table `a` of database `earlier` as it was made when history was not kept. */
const asBefore = (entries: readonly CapturedEntry[]): CapturedEntry[] => {
  const counter = createRowCounter('lines');
  counter.update(Buffer.from('1\n'));
  const { rows: count, bytes, checksum } = counter.finish();
  const changed: Readonly<Record<string, (text: string) => string>> = {
    'earlier/02-contents.json': (text) => {
      const contents = JSON.parse(text);
      return JSON.stringify({
        ...contents,
        tables: contents.tables.map(({ history: _, ...table }: { history: unknown }) => table),
      });
    },
    'earlier/data/a/0000.tsv': () => '1\n',
    'earlier/manifest.json': (text) => {
      const manifest = JSON.parse(text);
      return JSON.stringify({
        ...manifest,
        tables: [{ ...manifest.tables[0], entries: ['data/a/0000.tsv'], rows: count, bytes, checksum }],
      });
    },
  };
  return entries
    .filter(({ path }) => !path.endsWith('history.tsv'))
    .map((entry) => {
      const change = changed[entry.path];
      return change
        ? { ...entry, content: Buffer.from(change(Buffer.from(entry.content ?? []).toString())) }
        : entry;
    });
};
