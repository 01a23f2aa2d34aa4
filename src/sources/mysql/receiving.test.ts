// A database kept fresh from whole snapshots of another, on real servers.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { hasCode, hintOf } from '#lib/errors.ts';
import { type MysqlServer, startMariadb } from '../../../test/servers/mariadb.ts';
import { skipWithoutMysql, startMysql } from '../../../test/servers/mysql.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { type Receiver, type Receiving, receiverOf } from '../receiver.ts';
import { type CapturedEntry, loadInto, markOf } from '../testing.ts';
import { settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { mysql } from './mysql.ts';
import { dumpOf, makeShop, openMysql } from './testing.ts';

const engines = {
  mariadb: { start: () => startMariadb(), skip: skipWithout('mariadb') },
  mysql: { start: () => startMysql(), skip: skipWithoutMysql() },
} as const;

for (const engine of ['mariadb', 'mysql'] as const)
  suite(`receiving into ${engine}`, { skip: engines[engine].skip ?? false }, () => {
    let server: MysqlServer;
    before(async () => {
      server = await engines[engine].start();
      await makeShop(server, engine);
    });
    after(async () => await server?.[Symbol.asyncDispose]());

    const shop = (): Promise<CapturedEntry[]> => dumpOf(server, { url: server.url('shop') });
    const receiving = async (
      database: string,
      work: (receiving: Receiving) => Promise<unknown>,
      config: Readonly<Record<string, unknown>> = {},
    ): Promise<void> => {
      await using target = await openMysql(server, { url: server.url(database), ...config });
      await using opened = await (receiverOf(target) as Receiver).openReceiving();
      await work(opened);
    };
    const receive = (database: string, number: number, dump: readonly CapturedEntry[]): Promise<void> =>
      receiving(database, async (opened) => {
        await loadInto(opened, number, dump);
        await opened.publish();
        assert.deepEqual(opened.mark, markOf(number));
      });
    /** As the stock program sees it. */
    const seen = async (database: string): Promise<string> => {
      const text = await server.dump(
        database,
        '--skip-events',
        `--ignore-table=${database}.holdfast_received`,
      );
      return text.replaceAll(`nextval(\`${database}\``, 'nextval(`shop`');
    };
    const databases = (): Promise<string> => server.sql(`show databases like '%receiving%'`);

    test('a database of the other name is there, in every part but its events, and nothing beside it', async () => {
      const dump = await shop();
      await server.sql('create database copy character set latin1');
      await receiving('copy', async (opened) => {
        assert.equal(opened.mark, undefined);
        const { warnings } = await loadInto(opened, 1, dump);
        assert.ok(
          warnings.some((text) => /^event nightly would run/.test(text)),
          warnings.join(),
        );
        await opened.publish();
      });
      assert.equal(await seen('copy'), await seen('shop'));
      const charset = `select default_character_set_name from information_schema.schemata where schema_name = 'copy'`;
      assert.equal(await server.sql(charset), 'utf8mb4');
      assert.equal(
        await server.sql(`select count(*) from information_schema.events where event_schema = 'copy'`),
        '0',
      );
      assert.equal(await databases(), '');
      await receiving('copy', async ({ mark }) => assert.deepEqual(mark, markOf(1)));
    });

    test('readers see all tables of the one state or of the other, and views as well', async () => {
      const state = `(select count(*) from customers) as c, (select count(*) from zz_base) as v, (select count(*) from bytes) as b`;
      const before = await server.sql(`select ${state}`, 'shop');
      await server.sql(
        'delete from bytes where id >= 250; insert into customers (email) values ("new")',
        'shop',
      );
      const next = await server.sql(`select ${state}`, 'shop');
      const dump = await shop();
      const looks = new Set([await server.sql(`select ${state}`, 'copy')]);
      let over = false;
      const reading = (async () => {
        while (!over) looks.add(await server.sql(`select ${state}`, 'copy'));
      })();
      await receive('copy', 2, dump);
      over = true;
      await reading;
      looks.add(await server.sql(`select ${state}`, 'copy'));
      assert.deepEqual(looks, new Set([before, next]));
      assert.equal(await seen('copy'), await seen('shop'));
    });

    test('definitions that were changed, made or dropped are as the sender has them', async () => {
      await server.sql(
        `drop view calls; create or replace view keyless_ids as select a as id, b from keyless; drop trigger audited_again;
         alter table keyless add column c int default 4; drop function twice; create function thrice(n int) returns int deterministic return 3 * n`,
        'shop',
      );
      await receive('copy', 3, await shop());
      assert.equal(await seen('copy'), await seen('shop'));
    });

    test('a run that ends before the swap leaves nothing, and one that ended just after it is completed', async () => {
      const before = await seen('copy');
      const dump = await shop();
      await receiving('copy', (opened) => loadInto(opened, 4, dump));
      assert.equal(await seen('copy'), before);
      assert.equal(await databases(), '');
      await server.sql(
        `update holdfast_received set settled = 0; drop trigger audited; drop view constant; create view odd as select 1 as x;
         create database \`copy.receiving-0123abcd\``,
        'copy',
      );
      await receiving('copy', async ({ mark }) => assert.deepEqual(mark, markOf(3)));
      assert.equal(await seen('copy'), before);
      assert.equal(await databases(), '');
    });

    /** While somebody reads in a transaction, what was loaded does not take the place of what is there. */
    const assertKeptForReader = async (dump: CapturedEntry[]): Promise<void> => {
      const before = await seen('copy');
      const settings = settingsOf(mysql.config.parse({ url: server.url('copy') }));
      await using reader = await connect(settings, new AbortController().signal);
      await reader.run('begin');
      await reader.query('select count(*) from orders');
      await receiving(
        'copy',
        async (opened) => {
          await loadInto(opened, 5, dump);
          await assert.rejects(opened.publish(), /are in use in a transaction/);
        },
        { lockTimeoutSeconds: 1 },
      );
      assert.equal(await seen('copy'), before);
      await reader.run('commit');
    };

    test('a view that the sender has made a table, and a table that it has made a view, change places', async () => {
      await server.sql(
        `drop view keyless_ids; create table keyless_ids (id int); drop table empty_one; create view empty_one as select 1 as one`,
        'shop',
      );
      await receive('copy', 4, await shop());
      assert.equal(await seen('copy'), await seen('shop'));
      await server.sql(
        'drop table keyless_ids; create view keyless_ids as select a as id from keyless',
        'shop',
      );
      const dump = await shop();
      await assertKeptForReader(dump);
      await receive('copy', 5, dump);
      assert.equal(await seen('copy'), await seen('shop'));
    });

    test('a transaction that does not end keeps what it reads, with its triggers', async () => {
      const dump = await shop();
      await assertKeptForReader(dump);
    });

    test('what its user may not is named with the grant, and a lock of the whole server with what to do', async () => {
      const dump = await shop();
      const before = await seen('copy');
      await server.sql(
        `create user few@'127.0.0.1' identified by 'p'; grant all on copy.* to few@'127.0.0.1'; set global log_bin_trust_function_creators = 1`,
      );
      const url = server.url('copy', 'few', 'p');
      await receiving(
        'copy',
        (opened) =>
          assert.rejects(loadInto(opened, 6, dump), (error) =>
            /^grant all on `copy`\.\*, and all on `copy\.receiving-%`\.\*, to few$/.test(hintOf(error) ?? ''),
          ),
        { url },
      );
      await using locker = await connect(
        settingsOf(mysql.config.parse({ url: server.url() })),
        new AbortController().signal,
      );
      await locker.run('flush tables with read lock');
      await receiving(
        'copy',
        (opened) =>
          assert.rejects(loadInto(opened, 6, dump), (error) =>
            /lock that does not end/.test(hintOf(error) ?? ''),
          ),
        { lockTimeoutSeconds: 1 },
      );
      await locker.run('unlock tables');
      assert.equal(await seen('copy'), before);
    });

    test('what was not received, or is referred to from elsewhere, is not replaced', async () => {
      const dump = await shop();
      await server.sql('create database taken; create table taken.mine (id int)');
      await receiving('taken', (opened) =>
        assert.rejects(loadInto(opened, 6, dump), (error) => hasCode(error, 'TARGET_NOT_EMPTY')),
      );
      await server.sql(`create database others; create table others.t (id int unsigned,
        foreign key (id) references copy.customers (id))`);
      await receiving('copy', (opened) =>
        assert.rejects(loadInto(opened, 6, dump), /others\.t refers to tables of copy/),
      );
      await receiving('copy', (opened) =>
        receiving('copy', async () => assert.fail('two at once'))
          .catch((error) => {
            assert.match(String(error), /another run is receiving/);
            assert.match(hintOf(error) ?? '', /end its session on the server: kill \d+$/);
          })
          .then(() => assert.ok(opened.mark)),
      );
    });
  });
