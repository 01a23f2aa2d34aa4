// The contract of sources on a real server, and what only such a one can show.
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { sourceContract } from '#sources/contract.ts';
import { type Receiver, receiverOf } from '#sources/receiver.ts';
import type { Entry, Source } from '#sources/source.ts';
import { dumpOf, openSqlServer, restoreTo } from '#sources/sqlserver/testing.ts';
import { type CapturedEntry, capture, loadInto, markOf } from '#sources/testing.ts';
import { openSqlServerForTests, skipWithoutSqlServer } from './servers/sqlserver.ts';
import { optionalObjects, plainObjects, tablesToCompare } from './servers/sqlserver-objects.ts';

suite('a real SQL Server', { skip: skipWithoutSqlServer() ?? false }, () => {
  const server = openSqlServerForTests();
  after(() => server[Symbol.asyncDispose]());

  /** Rows as the server tells them, without our reading of types. */
  const rowsOf = async (database: string): Promise<unknown[]> => {
    const rows: unknown[] = [];
    for (const sql of tablesToCompare) rows.push(await server.query(database, sql));
    return rows;
  };

  sourceContract('sqlserver, real', async () => {
    const original = server.freshName();
    const copy = server.freshName();
    await server.create(original);
    await server.run(original, ...plainObjects);
    return {
      open: (signal) => openSqlServer(server.config(original), { signal }),
      async emptyTarget() {
        await server.drop(copy);
        return underName(await openSqlServer(server.config(copy)), copy, original);
      },
      async same() {
        assert.deepEqual(await rowsOf(copy), await rowsOf(original));
      },
      keeps: ['mode'],
      manifests: [`${original}/manifest.json`],
      knowsUnchanged: false,
      async [Symbol.asyncDispose]() {
        await server.drop(copy);
        await server.drop(original);
      },
    };
  });

  test('what this server knows of the rarer types and objects comes back with the rest', async () => {
    const [original, copy] = [server.freshName(), server.freshName()];
    await server.create(original);
    await server.run(original, ...plainObjects);
    for (const sql of optionalObjects) await server.run(original, sql).catch(() => {}); // not every server knows them all
    const entries = await dumpOf(server.config(original));
    assert.deepEqual(
      entries.flatMap(({ failed }) => (failed ? [failed.message] : [])),
      [],
    );
    const report = await restoreTo(server.config(copy), entries);
    assert.deepEqual(report.failures, []);
    const again = await dumpOf(server.config(copy));
    for (const { path, content } of entries.filter((entry) => entry.path.endsWith('/0000.sql')))
      assert.equal(
        textAt(again, path.replace(original, copy)),
        Buffer.from(content ?? []).toString('utf8'),
        path,
      );
    const numbers = [original, copy].map(async (database) => {
      await server.run(database, `INSERT INTO customers (email) VALUES (N'next')`);
      await server.run(database, "INSERT INTO sales.orders (total, code) VALUES (99, N'next')");
      return await server.query(
        database,
        `SELECT CONVERT(varchar(40), (SELECT MAX(id) FROM customers)) AS a, CONVERT(varchar(40), (SELECT MAX(id) FROM sales.orders)) AS b`,
      );
    });
    assert.deepEqual(await numbers[1], await numbers[0]);
  });

  test('rows that are written while a dump runs are not in it', async () => {
    const database = server.freshName();
    await server.create(database);
    await server.run(database, ...plainObjects);
    await server
      .run('master', `ALTER DATABASE [${database}] SET ALLOW_SNAPSHOT_ISOLATION ON`)
      .catch(() => {});
    await using source = await openSqlServer({ ...server.config(database), isolation: 'snapshot' });
    const captured: CapturedEntry[] = [];
    let isFirst = true;
    for await (const entry of source.dump()) {
      const content: Buffer[] = [];
      for await (const chunk of entry.content?.() ?? []) content.push(Buffer.from(chunk));
      captured.push({ ...entry, content: Buffer.concat(content) } as CapturedEntry);
      if (isFirst && entry.path.endsWith('/0000.sql')) {
        isFirst = false;
        await server.run(
          database,
          `INSERT INTO sales.orders (customer, total, note) VALUES (5, 1, N'too late')`,
        );
      }
    }
    assert.equal(isFirst, false);
    assert.doesNotMatch(textAt(captured, `${database}/data/sales.orders/0000.sql`), /too late/);
  });

  test('a database is kept fresh from whole snapshots of another', async () => {
    const [original, copy] = [server.freshName(), server.freshName()];
    await server.create(original);
    await server.run(original, ...plainObjects);
    const receive = async (number: number): Promise<void> => {
      const dump = await dumpOf(server.config(original));
      await using target = await openSqlServer(server.config(copy));
      await using opened = await (receiverOf(target) as Receiver).openReceiving();
      assert.deepEqual(opened.mark, number === 1 ? undefined : markOf(number - 1));
      await loadInto(opened, number, dump, original);
      await opened.publish();
      assert.deepEqual(await rowsOf(copy), await rowsOf(original));
    };
    await receive(1);
    await server.run(original, `INSERT INTO customers (email) VALUES (N'next')`);
    await receive(2);
    const left = await server.query('master', `SELECT name FROM sys.databases WHERE name LIKE '${copy}.%'`);
    assert.deepEqual(left, []);
  });

  test('one table comes back under another name beside the present one', async () => {
    const database = server.freshName();
    await server.create(database);
    await server.run(database, ...plainObjects);
    const entries = await dumpOf(server.config(database));
    const path = `${database}/data/sales.orders`;
    const chosen = entries.filter((entry) => !entry.path.includes('/data/') || entry.path.startsWith(path));
    const into = { selection: [path], rename: [['sales.orders', 'orders_old']] as const };
    assert.deepEqual((await restoreTo(server.config(database), chosen, into)).failures, []);
    const count = (table: string) =>
      server.query(database, `SELECT COUNT(*) AS found, SUM(total) AS total FROM sales.${table}`);
    assert.deepEqual(await count('orders_old'), await count('orders'));
  });
});

const textAt = (entries: readonly CapturedEntry[], path: string): string =>
  Buffer.from(entries.find((entry) => entry.path === path)?.content ?? []).toString('utf8');

/** A source whose database seems to have another name; both have the same length. On one server two cannot share one. */
const underName = (source: Source, own: string, shown: string): Source => ({
  ...source,
  concurrency: source.concurrency,
  check: () => source.check(),
  async *dump() {
    for (const { path, content, ...entry } of await capture(source)) {
      const text =
        content && Buffer.from(Buffer.from(content).toString('latin1').replaceAll(own, shown), 'latin1');
      yield { ...entry, path: path.replace(own, shown), ...(text && { content: () => [text] }) } as Entry;
    }
  },
  restore: (entries, into) => source.restore(entries, into),
  [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
});
