import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { Entry } from '../source.ts';
import { type CapturedEntry, contentOf, textAt } from '../testing.ts';
import { configSchema, settingsOf } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { dumpOf, openMysql, restoreTo } from './testing.ts';

suite('dumping from MariaDB', { skip: skipWithout('mariadb') ?? false }, () => {
  let server: MysqlServer;
  before(async () => {
    server = await startMariadb({ settings: ['max-allowed-packet=32M'] });
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const makeDatabase = async (name: string, sql: string): Promise<string> => {
    await server.sql(`create database \`${name}\` character set utf8mb4`);
    await server.sql(sql, name);
    return server.url(name);
  };
  const session = async (database: string): Promise<Connection> =>
    await connect(
      settingsOf(configSchema.parse({ url: server.url(database) })),
      new AbortController().signal,
    );
  const manifestOf = (entries: readonly CapturedEntry[], database: string): Manifest =>
    manifestSchema.parse(JSON.parse(textAt(entries, `${database}/manifest.json`)));
  const rowsOf = (entries: readonly CapturedEntry[], database: string, table: string): string[][] =>
    textAt(entries, `${database}/data/${table}/0000.tsv`)
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'));
  /** Reads a dump entry by entry with a chance to do something in between; item errors are kept. */
  const readWith = async (
    entries: AsyncIterable<Entry>,
    meanwhile: (entry: Entry) => Promise<void>,
  ): Promise<CapturedEntry[]> => {
    const read: CapturedEntry[] = [];
    for await (const entry of entries) {
      await meanwhile(entry);
      const { path, type, meta, failed } = entry;
      try {
        const content = await contentOf(entry);
        read.push({ path, type, meta, ...(content && { content }), ...(failed && { failed }) });
      } catch (error) {
        if (!(error instanceof HoldfastError) || !error.kind.item) throw error;
        read.push({ path, type, meta, failed: error });
      }
    }
    return read;
  };
  const failuresOf = (entries: readonly CapturedEntry[]): string[] =>
    entries.filter(({ failed }) => failed).map(({ path }) => path);
  const messagesOf = (entries: readonly CapturedEntry[]): string[] =>
    entries.flatMap(({ failed }) => (failed ? [failed.message] : []));
  /** A table whose rows do not fit into what sockets and readers hold. */
  const bigTable = (name: string): string =>
    `create table ${name} (id int primary key, note text);
     insert into ${name} with recursive n (i) as (select 1 union all select i + 1 from n where i < 900) select i, repeat('x', 9000) from n;`;

  test('all connections and databases see one state, whatever is written meanwhile', async () => {
    await makeDatabase(
      'bank',
      'create table a (id int primary key, money int); insert into a select seq, 100 from seq_1_to_2000;',
    );
    await makeDatabase(
      'vault',
      'create table b (id int primary key, money int); insert into b select seq, 100 from seq_1_to_1000;',
    );
    await using writer = await session('bank');
    let writing = true;
    let position = '';
    const written = (async () => {
      for (let number = 1; writing; number += 1) {
        await writer.run('start transaction');
        await writer.run(`update bank.a set money = money - 1 where id = ${1 + ((number * 7919) % 2000)}`);
        await writer.run(`update vault.b set money = money + 1 where id = ${1 + (number % 1000)}`);
        await writer.run('commit');
      }
    })();
    for (const databases of [['bank', 'vault']]) {
      const dumped = await dumpOf(server, { databases, connections: 3 });
      const sum = (database: string, table: string) =>
        rowsOf(dumped, database, table).reduce((total, [, money]) => total + Number(money), 0);
      assert.equal(sum('bank', 'a') + sum('vault', 'b'), 300_000);
      position = JSON.stringify(manifestOf(dumped, 'bank').position);
      assert.equal(JSON.stringify(manifestOf(dumped, 'vault').position), position);
    }
    writing = false;
    await written;
    assert.match(position, /"binlog_file":"bin\.\d+","binlog_position":"\d+","gtid":"0-1-\d+"/);
    await server.sql('drop database bank; drop database vault');
  });

  test('without the right to hold commits back, several connections still agree, or one reads alone', async () => {
    await makeDatabase(
      'quiet',
      'create table a (id int); insert into a values (1); create table b (id int);',
    );
    await server.sql(
      `create user reader@'%' identified by 'r'; grant select, show view, trigger, event on quiet.* to reader@'%'`,
    );
    const url = server.url('quiet', 'reader', 'r');
    const dumped = await dumpOf(server, { url, routines: false });
    assert.deepEqual(failuresOf(dumped), []);
    assert.deepEqual(rowsOf(dumped, 'quiet', 'a'), [['1']]);
    assert.ok(manifestOf(dumped, 'quiet').position.gtid);
    await using source = await openMysql(server, { url, routines: false });
    assert.deepEqual(
      (await source.check()).map(({ level, subject }) => [level, subject]),
      [['warning', 'right RELOAD']],
    );
  });

  test('what the server would not even show is named, with the right that shows it', async () => {
    await server.sql(`create user blind@'%' identified by 'b'; grant select on quiet.a to blind@'%'`);
    const url = server.url('quiet', 'blind', 'b');
    const dumped = await dumpOf(server, { url });
    assert.deepEqual(
      failuresOf(dumped),
      ['tables', 'triggers', 'events', 'routines'].map((what) => `quiet/data/rights.${what}`),
    );
    const hints = dumped.flatMap(({ failed }) => (failed instanceof HoldfastError ? [failed.hint] : []));
    assert.match(hints.join('\n'), /grant trigger on `quiet`\.\* to blind/);
    const named = await dumpOf(server, {
      url,
      tables: ['a', 'b'],
      routines: false,
      triggers: false,
      events: false,
    });
    assert.deepEqual(messagesOf(named), ['there is no table quiet.b, or it may not be read']);
    assert.deepEqual(
      manifestOf(named, 'quiet').missing.map(({ name }) => name),
      ['quiet.b'],
    );
  });

  test('a table that is altered or dropped after the backup has begun is named; the others are stored', async () => {
    const url = await makeDatabase(
      'moving',
      `${bigTable('a')} ${['b', 'c', 'd'].map((name) => `create table ${name} (x int); insert into ${name} values (1);`).join('')}`,
    );
    await using source = await openMysql(server, { url, connections: 2 });
    const read = await readWith(source.dump(), async ({ path }) => {
      if (path === 'moving/data/a')
        await server.sql('alter table b add y int default 3; drop table c', 'moving');
    });
    assert.deepEqual(failuresOf(read), ['moving/data/b/0000.tsv', 'moving/data/c/0000.tsv']);
    assert.ok(read.every(({ failed }) => !failed || hasCode(failed, 'ITEM_CHANGED')));
    assert.deepEqual(
      manifestOf(read, 'moving').missing.map(({ name }) => name),
      ['moving.b', 'moving.c'],
    );
    assert.deepEqual(rowsOf(read, 'moving', 'd'), [['1']]);
  });

  test('a table that is being read waits with being altered, and no longer than that', async () => {
    const url = await makeDatabase('waiting', `${bigTable('a')} create table b (x int);`);
    await using source = await openMysql(server, { url, connections: 1 });
    let altered: Promise<unknown> | undefined;
    for await (const entry of source.dump()) {
      if (entry.path !== 'waiting/data/a/0000.tsv') {
        await contentOf(entry);
        continue;
      }
      for await (const _ of entry.content?.() ?? [])
        altered ??= server.sql('alter table a add y int', 'waiting');
      await altered;
    }
    assert.ok(altered);
  });

  test('broken views are named, and what is whole is kept', async () => {
    const url = await makeDatabase(
      'views',
      'create table t (a int); create table gone (a int); create view ok as select a from t; create view broken as select a from gone; create view above as select a from broken; drop table gone;',
    );
    const dumped = await dumpOf(server, { url });
    assert.deepEqual(failuresOf(dumped), ['views/data/view.above', 'views/data/view.broken']);
    assert.match(messagesOf(dumped)[1] ?? '', /cannot read view views\.broken: .*references invalid/);
    assert.match(textAt(dumped, 'views/post-data.sql'), /VIEW `ok`/);
    assert.deepEqual(failuresOf(await dumpOf(server, { url, exclude: ['broken', 'above'] })), []);
  });

  test('tables without transactions are named, or kept still when that is asked for', async () => {
    const url = await makeDatabase(
      'old',
      `create table m (id int primary key, n int) engine=MyISAM; insert into m select seq, 0 from seq_1_to_100; ${bigTable('a')}`,
    );
    assert.equal(manifestOf(await dumpOf(server, { url }), 'old').position.read_apart, 'old.m');
    await using source = await openMysql(server, { url, lockNonTransactional: true, connections: 1 });
    let written: Promise<unknown> | undefined;
    const read = await readWith(source.dump(), async ({ path }) => {
      if (path === 'old/data') written = server.sql('update m set n = 1', 'old');
    });
    assert.equal(rowsOf(read, 'old', 'm').filter(([, n]) => n === '0').length, 100);
    assert.equal(manifestOf(read, 'old').position.read_apart, undefined);
    await source[Symbol.asyncDispose]();
    await written;
    assert.equal(await server.sql('select sum(n) from m', 'old'), '100');
  });

  test('a session that somebody ends loses its table; a server that goes away loses the source', async () => {
    const url = await makeDatabase('killed', `${bigTable('a')} ${bigTable('b')}`);
    await using source = await openMysql(server, { url, connections: 2 });
    let killed = false;
    const read: string[] = [];
    for await (const entry of source.dump()) {
      if (entry.path !== 'killed/data/a/0000.tsv') {
        await contentOf(entry);
        read.push(entry.path);
        continue;
      }
      const reading = (async () => {
        for await (const _ of entry.content?.() ?? [])
          if (!killed) {
            killed = true;
            const ids = await server.sql(
              `select id from information_schema.processlist where info like 'select%killed%a%' and id <> connection_id()`,
            );
            for (const id of ids.split('\n')) await server.sql(`kill ${id}`);
          }
      })();
      await assert.rejects(reading, (error) => hasCode(error, 'ITEM_UNREADABLE'));
    }
    assert.ok(read.includes('killed/data/b/0000.tsv') && read.includes('killed/manifest.json'));
  });

  test('patterns choose databases and tables when the dump is made', async () => {
    for (const name of ['p_one', 'p_two', 'other'])
      await makeDatabase(
        name,
        'create table keep (a int); create table log_1 (a int); insert into log_1 values (1); create table tmp (a int);',
      );
    const dumped = await dumpOf(server, {
      databases: ['p_*'],
      excludeDatabases: ['p_two'],
      exclude: ['p_one.t?p'],
      excludeData: ['*.log_*'],
    });
    assert.deepEqual(
      dumped.map(({ path }) => path).filter((path) => path.includes('/data/') && path.endsWith('.tsv')),
      ['p_one/data/keep/0000.tsv'],
    );
    assert.match(textAt(dumped, 'p_one/01-tables.sql'), /CREATE TABLE `log_1`/);
    assert.doesNotMatch(textAt(dumped, 'p_one/01-tables.sql'), /CREATE TABLE `tmp`/);
    await assert.rejects(dumpOf(server, { databases: ['nowhere'] }), (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE'),
    );
  });

  test('databases of any name, and a server without any, of which a restore warns', async () => {
    for (const name of ['a/b+c', '00-server.json', ' ..x', 'Ü\nnï"'])
      await makeDatabase(name, 'create table t (a int); insert into t values (1);');
    const names = ['a/b+c', '00-server.json', ' ..x', 'Ü\nnï"'];
    const dumped = await dumpOf(server, { databases: names });
    for (const name of names) await server.sql(`drop database \`${name}\``);
    const { failures } = await restoreTo(server, dumped, { databases: names });
    assert.deepEqual(failures, []);
    for (const name of names) assert.equal(await server.sql('select a from t', name), '1');
    for (const name of names) await server.sql(`drop database \`${name}\``);

    await server.sql(`create user nobody@'%' identified by 'n'`);
    const empty = await dumpOf(server, { url: server.url('', 'nobody', 'n') });
    assert.deepEqual(
      empty.map(({ path }) => path),
      ['00-server.json'],
    );
    const report = await restoreTo(server, empty);
    assert.deepEqual(
      [report.failures, report.warnings],
      [[], ['the server had no database: there was nothing to restore']],
    );
  });

  test('rows longer than a packet, and longer than the server lets through', async () => {
    const url = await makeDatabase('long', `create table t (id int primary key, a longblob, b longtext);`);
    await server.sql(
      `insert into t values (1, repeat(unhex('005c090a0d27'), 2900000), repeat('é\\n', 4000000)), (2, repeat('x', 16777215), null), (3, null, repeat('y', 255)), (4, '', repeat('z', 65536));`,
      'long',
    );
    const dumped = await dumpOf(server, { url });
    await restoreTo(server, dumped, { url: server.url('long_again') });
    const content = 'select id, sha1(a), sha1(b), length(a), length(b) from t';
    assert.equal(await server.sql(content, 'long_again'), await server.sql(content, 'long'));
    await server.sql('drop database long_again');
  });

  test('a wrong password, a missing database and a closed port are told apart', async () => {
    const refused = async (url: string, code: 'SOURCE_DENIED' | 'SOURCE_UNREACHABLE', pattern: RegExp) => {
      await assert.rejects(
        dumpOf(server, { url }),
        (error) => hasCode(error, code) && pattern.test(error.message),
      );
      await using source = await openMysql(server, { url });
      assert.equal((await source.check())[0]?.level, 'error');
    };
    await refused(server.url('', 'admin', 'wrong'), 'SOURCE_DENIED', /Access denied/);
    await refused(server.url('nowhere'), 'SOURCE_UNREACHABLE', /Unknown database/);
    await refused('mysql://admin@127.0.0.1:1/shop', 'SOURCE_UNREACHABLE', /ECONNREFUSED/);
  });
});
