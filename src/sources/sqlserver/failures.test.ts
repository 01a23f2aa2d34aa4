// What goes wrong between Holdfast and a server, over the wire.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exitStatus, hasCode } from '#lib/errors.ts';
import { shop, shopWith } from '../../../test/servers/sqlserver-shop.ts';
import type { Answer } from '../../../test/servers/tds-responder.ts';
import { stillOpen } from '../../../test/tools/still-open.ts';
import { manifestSchema } from '../manifest.ts';
import { contentOf } from '../testing.ts';
import { databasesSql, questions } from './catalogue.ts';
import { dumpOf, openSqlServer, restoreTo, startPlainServer } from './testing.ts';

const server = await startPlainServer(shop, ['shop']);
after(() => server[Symbol.asyncDispose]());
const url = server.url('shop');

const refusal = (number: number, message: string): Answer => ({ error: { number, message } });
const ordersRead = /^SELECT .* FROM \[sales\]\.\[orders\]/;

interface Outcome {
  readonly texts: ReadonlyMap<string, string>;
  readonly errors: ReadonlyMap<string, Error>;
}

/** Reads a dump as a job does: an item's error loses the item, any other the dump. */
const outcomeOf = async (config: Readonly<Record<string, unknown>> = { url }): Promise<Outcome> => {
  const texts = new Map<string, string>();
  const errors = new Map<string, Error>();
  await using source = await openSqlServer(config);
  for await (const entry of source.dump()) {
    if (entry.failed) errors.set(entry.path, entry.failed);
    try {
      const content = await contentOf(entry);
      if (content) texts.set(entry.path, Buffer.from(content).toString('utf8'));
    } catch (error) {
      if (!hasCode(error, 'ITEM_UNREADABLE', 'ITEM_CHANGED')) throw error;
      errors.set(entry.path, error);
    }
  }
  return { texts, errors };
};

const manifestOf = ({ texts }: Outcome) =>
  manifestSchema.parse(JSON.parse(texts.get('shop/manifest.json') ?? ''));
const interfering = async <Result>(
  answer: (sql: string) => Answer | undefined,
  work: () => Promise<Result>,
): Promise<Result> => {
  server.interfere = answer;
  try {
    return await work();
  } finally {
    server.interfere = () => undefined;
  }
};

test('a wrong password is told with status 13, and without the password', async () => {
  const wrong = url.replace(/:[^:@]*@/, ':not-this-one@');
  await assert.rejects(outcomeOf({ url: wrong }), (error) => {
    assert.ok(hasCode(error, 'SOURCE_DENIED'));
    assert.equal(exitStatus(error), 13);
    assert.match(error.message, /as sa: Login failed for user 'sa'/);
    assert.doesNotMatch(JSON.stringify([error.message, error.hint]), /not-this-one/);
    return true;
  });
});

test('a database that is not there is told by name', async () => {
  await assert.rejects(
    outcomeOf({ url: server.url('gone') }),
    (error) =>
      hasCode(error, 'SOURCE_DENIED') &&
      /Cannot open database "gone"/.test(error.message) &&
      /name of the database gone/.test(error.hint ?? ''),
  );
  await assert.rejects(outcomeOf({ url: server.url(), databases: ['gone'] }), /has no database gone/);
});

test('a database that cannot be entered is named, and the others are whole', async () => {
  const both: Answer = {
    columns: ['name', 'state', 'condition', 'access'],
    rows: [
      ['shop', 0, 'ONLINE', 1],
      ['broken', 3, 'RECOVERY_PENDING', 0],
      ['payroll', 0, 'ONLINE', 0],
    ],
  };
  const listed = (sql: string): Answer | undefined => (sql === databasesSql ? both : undefined);
  const outcome = await interfering(listed, () => outcomeOf({ url: server.url(), databases: 'all' }));
  assert.deepEqual(
    [...outcome.errors].map(([path, error]) => [path, error.message, exitStatus(error)]),
    [
      ['broken', 'database broken is recovery pending', 3],
      ['payroll', 'sa may not enter database payroll', 3],
    ],
  );
  assert.equal(manifestOf(outcome).tables.length, 5);
  const closed = { url: server.url(), databases: ['payroll'] };
  await assert.rejects(
    interfering(listed, () => outcomeOf(closed)),
    (error) => hasCode(error, 'SOURCE_DENIED') && /sa may not enter database payroll/.test(error.message),
  );
  const without = { url: server.url(), databases: 'all', excludeDatabases: ['broken', 'payroll'] };
  assert.equal((await interfering(listed, () => outcomeOf(without))).errors.size, 0);
});

test('a server that refuses a login for no fault of the login says to wait', async () => {
  await using busy = await startPlainServer(shop, ['shop'], {
    refusal: { number: 18_401, message: 'Server is in script upgrade mode.' },
  });
  await assert.rejects(
    outcomeOf({ url: busy.url('shop') }),
    (error) => hasCode(error, 'SOURCE_UNREACHABLE') && /script upgrade mode/.test(error.message),
  );
});

test('a table in memory is read apart, since it cannot be in a snapshot with others', async () => {
  let refusals = 0;
  const outcome = await interfering(
    (sql) => {
      if (!ordersRead.test(sql) || refusals++ > 0) return undefined;
      return refusal(41_332, 'Memory optimized tables cannot be accessed in a snapshot.');
    },
    () => outcomeOf(),
  );
  assert.equal(outcome.errors.size, 0);
  assert.equal(manifestOf(outcome).tables.find(({ name }) => name === 'sales.orders')?.rows, 5000);
  assert.equal(await stillOpen(() => server.responder.connections()), 0);
});

test('bytes in the place of a text are not taken for it', async () => {
  const outcome = await interfering(
    (sql) =>
      ordersRead.test(sql)
        ? { columns: ['c0', 'c1', 'c2', 'c3'], rows: [['1', 1, '1.5', Buffer.from('ciphertext')]] }
        : undefined,
    () => outcomeOf(),
  );
  assert.match(outcome.errors.get('shop/data/sales.orders/0000.sql')?.message ?? '', /sent bytes for a text/);
});

test('a server that is not there is told with status 13', async () => {
  await assert.rejects(
    outcomeOf({ host: '127.0.0.1', port: 1, user: 'sa', password: 'x' }),
    (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE') &&
      exitStatus(error) === 13 &&
      /127\.0\.0\.1:1/.test(error.message),
  );
});

test('a server without TLS is refused when TLS is asked for', async () => {
  await assert.rejects(
    outcomeOf({ url: url.replace('encrypt=off', 'encrypt=on') }),
    (error) => hasCode(error, 'SOURCE_DENIED') && /offers no TLS/.test(error.hint ?? ''),
  );
});

test('a table that may not be read is named, the others are whole, and the manifest says what is missing', async () => {
  const outcome = await interfering(
    (sql) =>
      ordersRead.test(sql)
        ? refusal(229, "The SELECT permission was denied on the object 'orders'.")
        : undefined,
    () => outcomeOf(),
  );
  const error = outcome.errors.get('shop/data/sales.orders/0000.sql');
  assert.ok(hasCode(error, 'ITEM_UNREADABLE'));
  assert.equal(exitStatus(error), 3);
  assert.match(error.message, /cannot read table sales\.orders: The SELECT permission/);
  assert.match(error.hint ?? '', /grant select on it to sa/);
  assert.deepEqual(
    manifestOf(outcome).missing.map(({ name }) => name),
    ['sales.orders'],
  );
  assert.equal(manifestOf(outcome).tables.length, 4);
});

test('a table that loses or gets columns while it is read is an error of that table', async () => {
  const lost = await interfering(
    (sql) => (ordersRead.test(sql) ? refusal(207, "Invalid column name 'note'.") : undefined),
    () => outcomeOf(),
  );
  assert.ok(hasCode(lost.errors.get('shop/data/sales.orders/0000.sql'), 'ITEM_CHANGED'));

  const columns = (shop.catalogue.columns ?? []).filter(({ object }) => object === 11);
  const more = [...columns, { ...columns[0], name: 'added' }].map((row) => ({
    ...row,
    width: row.maxLength,
  }));
  const names = ['name', 'width', 'precision', 'scale', 'computed'];
  const got = await interfering(
    (sql) =>
      /object_id = 11 /.test(sql)
        ? {
            columns: names,
            rows: more.map((row) => names.map((name) => (row as Record<string, string>)[name] ?? null)),
          }
        : undefined,
    () => outcomeOf(),
  );
  assert.match(
    got.errors.get('shop/data/sales.orders/0000.sql')?.message ?? '',
    /sales\.orders got other columns/,
  );
  assert.deepEqual([...got.errors.keys()], ['shop/data/sales.orders/0000.sql']);
});

test('when the server ends the transaction, the rest is read in another snapshot, and the manifest says so', async () => {
  let isOpen = true;
  const outcome = await interfering(
    (sql) => {
      if (/FROM \[dbo\]\.\[customers\]/.test(sql)) {
        isOpen = false;
        return refusal(
          3961,
          'Snapshot isolation transaction failed: the object was modified by a DDL statement.',
        );
      }
      if (sql === 'BEGIN TRANSACTION') isOpen = true;
      return /@@trancount/.test(sql) ? { columns: ['open'], rows: [[isOpen ? 1 : 0]] } : undefined;
    },
    () => outcomeOf(),
  );
  assert.ok(hasCode(outcome.errors.get('shop/data/dbo.customers/0000.sql'), 'ITEM_CHANGED'));
  assert.deepEqual(manifestOf(outcome).position, { isolation: 'snapshot', snapshots: '2' });
});

test('a server that hangs up in the middle of a table fails the dump with status 13', async () => {
  const rows = (shop.rows['sales.orders'] ?? []).slice(0, 2000);
  await assert.rejects(
    interfering(
      (sql) =>
        ordersRead.test(sql) ? { columns: ['c0', 'c1', 'c2', 'c3'], rows, hangUpAfter: 1500 } : undefined,
      () => outcomeOf(),
    ),
    (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE') && /connection to SQL Server at .* was lost/.test(error.message),
  );
});

test('a missing view loses what it would tell, object by object', async () => {
  const outcome = await interfering(
    (sql) => {
      if (sql === questions.sequences.sql) return refusal(208, "Invalid object name 'sys.sequences'.");
      if (sql === questions.periods.sql) return refusal(208, "Invalid object name 'sys.periods'.");
      return sql === questions.permissions.sql ? refusal(297, 'You may not.') : undefined;
    },
    () => outcomeOf(),
  );
  assert.deepEqual(
    [...outcome.errors.values()].map(({ message }) => message),
    [
      "the catalogue does not tell of dbo.counter: Invalid object name 'sys.sequences'.",
      'the catalogue does not tell of the permissions: You may not.',
    ],
  );
  assert.equal(manifestOf(outcome).tables.length, 5);
});

test('where snapshot isolation is not allowed, check says so, the manifest too, and it may be insisted on', async () => {
  const withoutSnapshot = await startPlainServer(
    shopWith({ database: [{ ...shop.catalogue.database?.[0], snapshotState: 0 }] }),
    ['shop'],
  );
  try {
    const there = withoutSnapshot.url('shop');
    await using source = await openSqlServer({ url: there });
    const [finding] = await source.check();
    assert.deepEqual([finding?.level, finding?.message], ['warning', 'tables are not read as of one moment']);
    assert.match(finding?.hint ?? '', /ALTER DATABASE \[shop\] SET ALLOW_SNAPSHOT_ISOLATION ON/);
    assert.deepEqual(manifestOf(await outcomeOf({ url: there })).position, { isolation: 'read committed' });
    assert.equal(withoutSnapshot.executed.includes('BEGIN TRANSACTION'), false);
    const refusing = (pattern: RegExp) => (sql: string) =>
      pattern.test(sql)
        ? refusal(3952, 'Snapshot isolation transaction failed accessing database.')
        : undefined;
    for (const pattern of [/count\(\*\) as tables/, /FROM \[dbo\]\.\[customers\]/]) {
      withoutSnapshot.interfere = refusing(pattern);
      await assert.rejects(
        outcomeOf({ url: there, isolation: 'snapshot' }),
        (error) => hasCode(error, 'SOURCE_DENIED') && /ALLOW_SNAPSHOT_ISOLATION ON/.test(error.hint ?? ''),
      );
    }
    const locked: string[] = [];
    withoutSnapshot.interfere = (sql) => void (/TABLOCK/.test(sql) && locked.push(sql));
    assert.deepEqual(manifestOf(await outcomeOf({ url: there, isolation: 'lock' })).position, {
      isolation: 'table lock',
    });
    assert.equal(locked.length, 5);
  } finally {
    await withoutSnapshot[Symbol.asyncDispose]();
  }
});

test('check names each table that may not be read', async () => {
  const findings = await interfering(
    (sql) =>
      /has_perms_by_name\(quotename/.test(sql)
        ? {
            columns: ['schema', 'name', 'may'],
            rows: [
              ['sales', 'orders', 0],
              ['dbo', 'customers', 1],
            ],
          }
        : undefined,
    async () => {
      await using source = await openSqlServer({ url, tables: ['sales.*', 'gone'] });
      return await source.check();
    },
  );
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [
      ['error', 'table sales.orders in shop'],
      ['warning', 'pattern gone'],
    ],
  );
});

test('a row of 64 MB comes whole', async () => {
  const large = 'ab'.repeat(16 * 1024 * 1024);
  const outcome = await interfering(
    (sql) =>
      ordersRead.test(sql)
        ? { columns: ['c0', 'c1', 'c2', 'c3'], rows: [['1', 1, '1.5', large]] }
        : undefined,
    () => outcomeOf({ url, tables: ['sales.orders'] }),
  );
  const text = outcome.texts.get('shop/data/sales.orders/0000.sql') ?? '';
  assert.ok(text.endsWith(`${large.slice(-100)}');\n`));
  assert.ok(text.length > large.length);
});

test('a server without databases is backed up and restored as one, unless some were asked for', async () => {
  await using empty = await startPlainServer(shop, []);
  const entries = await dumpOf({ url: empty.url() });
  assert.deepEqual(
    entries.map(({ path }) => path),
    ['00-server.json'],
  );
  const { warnings } = await restoreTo({ url: empty.url() }, entries);
  assert.deepEqual(warnings, ['the server had no database: there was nothing to restore']);
  await assert.rejects(
    dumpOf({ url: empty.url(), databases: ['shop_*'] }),
    /no database of .* fits the configuration/,
  );
});
