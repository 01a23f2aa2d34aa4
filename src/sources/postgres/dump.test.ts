import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { Entry } from '../source.ts';
import { type CapturedEntry, contentOf } from '../testing.ts';
import { type Connection, connect } from './connect.ts';
import { resolveSettings } from './settings.ts';
import { dumpOf, openPostgres, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (!skip) server = await startPostgres({ settings: { wal_level: 'replica' } });
});
after(async () => await server?.[Symbol.asyncDispose]());

const makeDatabase = async (name: string, sql: string): Promise<string> => {
  await server.psql('postgres', `create database ${name}`);
  await server.psql(name, sql);
  return server.url(name);
};
const session = async (database: string): Promise<Connection> => {
  const { host, port, user, password } = server;
  const settings = resolveSettings(
    { host, port: `${port}`, user, password, application_name: 'test' },
    undefined,
    {},
  );
  const connection = await connect(settings, database, new AbortController().signal);
  await connection.query('set search_path = public');
  return connection;
};
const textAt = (entries: readonly CapturedEntry[], path: string): string =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []).toString();
const manifestOf = (entries: readonly CapturedEntry[], database: string): Manifest =>
  manifestSchema.parse(JSON.parse(textAt(entries, `${database}/manifest.json`)));
const rowsOf = (entries: readonly CapturedEntry[], folder: string): string[] =>
  entries
    .filter(({ path, type }) => type === 'file' && path.startsWith(`${folder}/`))
    .flatMap(({ content }) =>
      Buffer.from(content ?? [])
        .toString()
        .split('\n')
        .slice(0, -1),
    );
/** Reads a dump entry by entry, as a repository does, with a chance to do something in between; item errors are kept. */
const readWith = async (
  entries: AsyncIterable<Entry>,
  meanwhile: (entry: Entry) => Promise<void>,
): Promise<CapturedEntry[]> => {
  const read: CapturedEntry[] = [];
  for await (const entry of entries) {
    await meanwhile(entry);
    const { path, type, meta } = entry;
    try {
      const content = await contentOf(entry);
      read.push({
        path,
        type,
        meta,
        ...(content && { content }),
        ...(entry.failed && { failed: entry.failed }),
      });
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.kind.item) throw error;
      read.push({ path, type, meta, failed: error });
    }
  }
  return read;
};
const nothing = async (): Promise<void> => {};
const failuresOf = (entries: readonly CapturedEntry[]): string[] =>
  entries.filter(({ failed }) => failed).map(({ path }) => path);
/** A table whose rows do not fit into what sockets and readers hold. */
const bigTable = (name: string): string =>
  `create table ${name} (id int, note text); insert into ${name} select i, repeat('x', 4000) from generate_series(1, 10000) i;`;

test('all connections and ranges see one state, whatever is written meanwhile', { skip }, async () => {
  const url = await makeDatabase(
    'bank',
    `create table a (id int primary key, money int, filler text); create table b (id int primary key, money int);
      insert into a select i, 100, repeat('x', 200) from generate_series(1, 10000) i; insert into b select i, 100 from generate_series(1, 1000) i;`,
  );
  await using writer = await session('bank');
  const write = (number: number): Promise<unknown> =>
    writer.query(
      `begin; update a set money = money - 1 where id = ${1 + ((number * 7919) % 10_000)};
        update b set money = money + 1 where id = ${1 + (number % 1000)}; insert into a values (${10_000 + number}, 0, 'new'); commit`,
    );
  let writing = true;
  await write(1);
  const written = (async () => {
    for (let number = 2; writing; number += 1) await write(number);
  })();
  const dumped = await dumpOf(server, { url, rangeMiB: 1, connections: 3 });
  writing = false;
  await written;
  assert.ok(dumped.filter(({ path }) => path.startsWith('bank/data/public.a/')).length >= 3);
  const sum = (table: string) =>
    rowsOf(dumped, `bank/data/public.${table}`).reduce((total, row) => total + Number(row.split('\t')[1]), 0);
  assert.equal(sum('a') + sum('b'), 10_000 * 100 + 1000 * 100);
  assert.ok(sum('b') > 1000 * 100, 'nothing was written before');
});

test('a range in which nothing changed reads the same as before', { skip }, async () => {
  const url = await makeDatabase(
    'ranges',
    `create table t (id int primary key, note text); insert into t select i, repeat(md5(i::text), 8) from generate_series(1, 20000) i;`,
  );
  const first = await dumpOf(server, { url, rangeMiB: 1 });
  await server.psql(
    'ranges',
    `update t set note = 'changed' where id = 15000; insert into t values (0, 'added')`,
  );
  const second = await dumpOf(server, { url, rangeMiB: 1 });
  const contents = (entries: readonly CapturedEntry[]) =>
    entries
      .filter(({ path }) => path.endsWith('.copy'))
      .map(({ path, content }) => `${path} ${Buffer.from(content ?? [])}`);
  const before = new Set(contents(first));
  assert.ok(contents(first).length >= 5);
  assert.ok(contents(second).filter((each) => !before.has(each)).length <= 2);
  assert.equal(rowsOf(second, 'ranges/data/public.t').length, 20_001);
});

test('a table rewritten while the backup waits for it is read whole', { skip }, async () => {
  const url = await makeDatabase(
    'rewritten',
    'create table t (id int); insert into t select generate_series(1, 1000)',
  );
  await using writer = await session('rewritten');
  await writer.query('begin; alter table t alter column id type bigint');
  const dumping = dumpOf(server, { url });
  await waitUntil(
    `select count(*) from pg_locks l join pg_database d on d.oid = l.database where not granted and datname = 'rewritten'`,
    '1',
  );
  await writer.query('commit');
  assert.equal(rowsOf(await dumping, 'rewritten/data/public.t').length, 1000);
});

const waitUntil = async (sql: string, answer: string): Promise<void> => {
  for (let attempt = 0; attempt < 1000; attempt += 1)
    if ((await server.psql('postgres', sql)) === answer) return;
  assert.fail(`never ${answer}: ${sql}`);
};

test('a table that stays locked is named, and all others are read', { skip }, async () => {
  const url = await makeDatabase(
    'locked',
    'create table a (id int); create table b (id int); insert into b values (1); create view v as select * from a',
  );
  await using blocker = await session('locked');
  await blocker.query('begin; lock table a in access exclusive mode');
  const dumped = await dumpOf(server, { url, lockTimeoutSeconds: 1 });
  assert.deepEqual(failuresOf(dumped), ['locked/data/public.a', 'locked/data/public.v']);
  assert.match(`${dumped.find(({ failed }) => failed)?.failed?.message}`, /public.a is locked exclusively/);
  assert.deepEqual(rowsOf(dumped, 'locked/data/public.b'), ['1']);
  assert.deepEqual(
    manifestOf(dumped, 'locked').missing.map(({ name }) => name),
    ['public.a', 'public.v'],
  );
  const { failures } = await restoreTo(server, dumped, { url: server.url('unlocked') });
  assert.deepEqual(failures, []);
});

test('who waits for an exclusive lock does not keep the backup from reading', { skip }, async () => {
  const url = await makeDatabase(
    'queued',
    `create table a (id int); insert into a values (1); create table b (id int); insert into b values (2)`,
  );
  await using source = await openPostgres(server, { url });
  await using waiter = await session('queued');
  let altered: Promise<unknown> | undefined;
  const dumped = await readWith(source.dump(), async ({ path }) => {
    if (path !== 'queued/data') return;
    altered = waiter.query('alter table a add column late int');
    await waitUntil(
      `select count(*) from pg_locks l join pg_database d on d.oid = l.database where not granted and datname = 'queued'`,
      '1',
    );
  });
  assert.deepEqual(failuresOf(dumped), []);
  assert.deepEqual(rowsOf(dumped, 'queued/data/public.a'), ['1']);
  await altered;
});

test('why pg_dump could not read is told: who keeps it waiting, and what ended the session that held the snapshot', {
  skip,
}, async () => {
  const url = await makeDatabase('kept', 'create table a (id int)');
  await using waiter = await session('kept');
  await using waiting = await openPostgres(server, { url, lockTimeoutSeconds: 1 });
  let altered: Promise<unknown> | undefined;
  const whenDefined = (act: () => Promise<void>) => (entry: Entry) =>
    entry.path === 'kept/01-pre-data.sql' ? act() : Promise.resolve();
  const alter = whenDefined(async () => {
    altered = waiter.query('alter table a add column late int');
    await waitUntil(`select count(*) from pg_locks where not granted and relation is not null`, '1');
  });
  await assert.rejects(readWith(waiting.dump(), alter), { hint: /waits to alter/ });
  await altered;
  await using lost = await openPostgres(server, { url });
  const end = whenDefined(async () => {
    const holder = `datname = 'kept' and application_name = 'holdfast' and state = 'idle in transaction'`;
    await server.psql(
      'postgres',
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${holder}`,
    );
  });
  await assert.rejects(readWith(lost.dump(), end), {
    code: 'SOURCE_UNREACHABLE',
    message: /terminating connection due to administrator command|was lost/,
  });
});

test('a database of several that pg_dump cannot read is named, and the others are whole', {
  skip,
}, async () => {
  const damaged = await makeDatabase(
    'damaged',
    `create table t (id int); insert into t values (2); create schema lost; create function lost.f() returns int language sql as 'select 1';
      delete from pg_namespace where nspname = 'lost'`,
  );
  await makeDatabase('sound', 'create table t (id int); insert into t values (1)');
  await using both = await openPostgres(server, { databases: ['damaged', 'sound'] });
  const dumped = await readWith(both.dump(), nothing);
  assert.deepEqual(failuresOf(dumped), [
    'damaged/01-pre-data.sql',
    'damaged/00-database.sql',
    'damaged/post-data.sql',
  ]);
  const [failed] = dumped.filter((entry) => entry.failed);
  assert.ok(hasCode(failed?.failed, 'ITEM_UNREADABLE'));
  assert.match(
    failed.failed.message,
    /database damaged: .*pg_dump failed .* schema with OID \d+ does not exist/,
  );
  assert.deepEqual(rowsOf(dumped, 'damaged/data/public.t'), ['2']);
  assert.deepEqual(rowsOf(dumped, 'sound/data/public.t'), ['1']);
  await using alone = await openPostgres(server, { url: damaged });
  await assert.rejects(readWith(alone.dump(), nothing), (error) => hasCode(error, 'SOURCE_DENIED'));
});

test('a table without privilege, and one with a policy, are named; the others are whole', {
  skip,
}, async () => {
  const url = await makeDatabase(
    'rights',
    `create table open (id int); insert into open values (1); create table shut (id int); create table hidden (id int); insert into hidden values (1);
      alter table hidden enable row level security; create policy p on hidden using (false); create sequence s; create view v as select * from shut;
      create role limited login password 'x'; grant select on open, hidden to limited;`,
  );
  const asLimited = { url: server.url('rights', 'limited', 'x') };
  await using source = await openPostgres(server, asLimited);
  const findings = await source.check();
  const errors = findings.filter(({ level }) => level === 'error').map(({ subject }) => subject);
  assert.deepEqual(errors, [
    'table public.shut in rights',
    'table public.hidden in rights',
    'sequence public.s in rights',
  ]);
  const dumped = await readWith(source.dump(), nothing);
  assert.deepEqual(failuresOf(dumped).toSorted(), [
    'rights/data/public.hidden/0000.copy',
    'rights/data/public.s',
    'rights/data/public.shut',
    'rights/data/public.v',
  ]);
  for (const { failed } of dumped.filter((entry) => entry.failed))
    assert.ok(hasCode(failed, 'ITEM_UNREADABLE'));
  assert.match(textAt(dumped, '01-globals.sql'), /^-- Without the roles' passwords/);
  assert.deepEqual(rowsOf(dumped, 'rights/data/public.open'), ['1']);
  assert.ok(url.length > 0);
});

test('a role with few rights backs up all that a superuser does', { skip }, async () => {
  const url = await makeDatabase(
    'minimal',
    `create table t (id serial primary key, x text); insert into t (x) values ('a'); create table hidden (id int); insert into hidden values (1);
      alter table hidden enable row level security; create materialized view m as select * from t; create schema inner_one; create table inner_one.u (id int);
      select lo_from_bytea(77777, '\\x00ff'); create unlogged table un (id int);
      create role holdfast login password 'h' bypassrls; grant pg_read_all_data to holdfast; alter role holdfast set lo_compat_privileges = on;`,
  );
  await using source = await openPostgres(server, { url: server.url('minimal', 'holdfast', 'h') });
  assert.deepEqual(
    (await source.check()).filter(({ level }) => level === 'error'),
    [],
  );
  const comparable = (entries: readonly CapturedEntry[]) =>
    entries
      .filter(({ path }) => !/globals|manifest/.test(path))
      .map(({ path, content }) => `${path}\n${Buffer.from(content ?? [])}`);
  assert.deepEqual(
    comparable(await readWith(source.dump(), nothing)),
    comparable(await dumpOf(server, { url })),
  );
});

test('a read that somebody cancels or ends loses its table only', { skip }, async () => {
  for (const how of ['pg_cancel_backend(pid)', 'pg_terminate_backend(pid, 10000)']) {
    const name = how.slice(0, 9);
    await makeDatabase(name, `${bigTable('big')} create table small (id int); insert into small values (1)`);
    await using source = await openPostgres(server, { url: server.url(name) });
    const dumped = await readWith(
      stopping(
        source.dump(),
        `${name}/data/public.big/0000.copy`,
        `select ${how} from pg_stat_activity where datname = '${name}' and query like 'copy %'`,
      ),
      nothing,
    );
    assert.deepEqual(failuresOf(dumped), [`${name}/data/public.big/0000.copy`]);
    assert.deepEqual(rowsOf(dumped, `${name}/data/public.small`), ['1']);
    const { missing, tables } = manifestOf(dumped, name);
    assert.deepEqual(
      [missing.map((each) => each.name), tables.map((each) => each.name)],
      [['public.big'], ['public.small']],
    );
  }
});

/** The entries, with SQL run when the first chunk of one content has been read. */
async function* stopping(entries: AsyncIterable<Entry>, path: string, sql: string): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const content = entry.content;
    if (entry.path !== path || !content) yield entry;
    else
      yield {
        ...entry,
        async *content() {
          let first = true;
          for await (const chunk of content()) {
            if (first) await server.psql('postgres', sql);
            first = false;
            yield chunk;
          }
        },
      };
  }
}

test('a backup whose snapshot is lost fails as a whole', { skip }, async () => {
  await makeDatabase('held', `${bigTable('big')} create table small (id int)`);
  await using source = await openPostgres(server, { url: server.url('held') });
  const end = `select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = 'held' and state = 'idle in transaction' and query not like 'copy%'`;
  const reading = readWith(stopping(source.dump(), 'held/data/public.big/0000.copy', end), nothing);
  await assert.rejects(reading, (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('a server that goes down in the middle is unreachable, not empty', { skip }, async () => {
  const doomed = await startPostgres();
  await doomed.psql('postgres', bigTable('big'));
  await using source = await openPostgres(doomed, { url: doomed.url('postgres') });
  const reading = readWith(source.dump(), async ({ path }) => {
    if (path.startsWith('postgres/data/')) await doomed[Symbol.asyncDispose]();
  });
  await assert.rejects(reading, (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('patterns choose tables, and what cannot be without those left out goes with them', {
  skip,
}, async () => {
  const url = await makeDatabase(
    'chosen',
    `create schema logs; create table logs.big (id int); insert into logs.big values (1); create table logs.other (id int); create view on_big as select * from logs.big;
      create view on_view as select * from on_big; create table keep (id serial primary key); insert into keep default values; create table empty_me (id int); insert into empty_me values (1);
      create table parts (id int) partition by list (id); create table parts_1 partition of parts for values in (1); insert into parts values (1); create unlogged table un (id int); insert into un values (1);`,
  );
  const config = { url, exclude: ['logs.b*', 'parts'], excludeData: ['empty_me'], unlogged: false };
  const dumped = await dumpOf(server, config);
  const { tables, missing } = manifestOf(dumped, 'chosen');
  assert.deepEqual([tables.map(({ name }) => name), missing], [['logs.other', 'public.keep'], []]);
  await restoreTo(server, dumped, { url: server.url('chosen_copy') });
  const relations = `select string_agg(oid::regclass::text, ' ' order by relname) from pg_class where relnamespace in ('public'::regnamespace, 'logs'::regnamespace) and relkind <> 'i'`;
  assert.equal(await server.psql('chosen_copy', relations), 'empty_me keep keep_id_seq logs.other un');
  const some = await dumpOf(server, { url, tables: ['keep', 'chosen.logs.*'] });
  assert.deepEqual(
    manifestOf(some, 'chosen').tables.map(({ name }) => name),
    ['logs.big', 'logs.other', 'public.keep'],
  );
  await using source = await openPostgres(server, { url, exclude: ['typo'] });
  assert.deepEqual(
    (await source.check()).map(({ subject }) => subject),
    ['pattern typo'],
  );
});

test('a pg_dump that is too old for the server is refused with what to install', { skip }, async () => {
  const folder = temporaryFolder('old-pg-dump');
  const pgDump = join(folder, 'pg_dump');
  writeFileSync(pgDump, '#!/bin/sh\necho "pg_dump (PostgreSQL) 11.22"\n');
  chmodSync(pgDump, 0o755);
  await assert.rejects(
    dumpOf(server, { url: server.url('postgres'), pgDump }),
    (error) =>
      hasCode(error, 'UNSUPPORTED') &&
      /pg_dump of version 1\d or newer.*11/.test(error.message) &&
      /postgresql-client-/.test(error.hint ?? ''),
  );
});

test('a database that is not there is an error with the names of those that are', { skip }, async () => {
  const rejected = (config: Record<string, unknown>) =>
    assert.rejects(dumpOf(server, config), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
  await rejected({ databases: ['absent'] });
  await rejected({ url: server.url('absent') });
  await rejected({ databases: ['nothing_like_*'] });
});

test('a standby is backed up like its primary, except for what it does not have', { skip }, async () => {
  await makeDatabase(
    'followed',
    'create table t (id int); insert into t values (1); create unlogged table un (id int)',
  );
  await using standby = await startPostgres({ standbyOf: server });
  await using source = await openPostgres(standby, { url: standby.url('followed') });
  assert.deepEqual(
    (await source.check()).map(({ subject }) => subject),
    ['standby', 'table public.un in followed'],
  );
  const dumped = await readWith(source.dump(), nothing);
  assert.deepEqual(failuresOf(dumped), ['followed/data/public.un/0000.copy']);
  const hints = dumped.flatMap(({ failed }) => (failed instanceof HoldfastError ? [failed.hint] : []));
  assert.match(hints.join(), /`unlogged: false`/);
  assert.deepEqual(rowsOf(dumped, 'followed/data/public.t'), ['1']);
  const { position } = manifestOf(dumped, 'followed');
  assert.deepEqual(Object.keys(position).toSorted(), ['lsn', 'snapshot', 'system_identifier', 'timeline']);
});
