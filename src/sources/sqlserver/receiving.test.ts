// A database kept fresh from whole snapshots of another, over the wire.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import type { Answer } from '../../../test/servers/tds-responder.ts';
import { type Receiver, type Receiving, receiverOf } from '../receiver.ts';
import { type CapturedEntry, edited, loadInto, markOf } from '../testing.ts';
import { dumpOf, openSqlServer, rememberRows, startPlainServer } from './testing.ts';

const original = await startPlainServer(shop, ['shop']);
const server = await startPlainServer(shop, []);
const dump = await dumpOf({ url: original.url('shop') });
rememberRows(dump, shop);
after(async () => {
  await original[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.databases.clear();
  server.executed.length = 0;
  server.interfere = () => undefined;
});

const receiving = async (
  database: string,
  work: (receiving: Receiving) => Promise<unknown>,
): Promise<void> => {
  await using target = await openSqlServer({ url: server.url(database) });
  await using opened = await (receiverOf(target) as Receiver).openReceiving();
  await work(opened);
};
const receive = (database: string, number: number, entries: readonly CapturedEntry[] = dump): Promise<void> =>
  receiving(database, async (opened) => {
    await loadInto(opened, number, entries);
    await opened.publish();
    assert.deepEqual(opened.mark, markOf(number));
  });
const names = (): string[] => [...server.databases.keys()];
const ordersIn = (database: string): number | undefined =>
  server.databases.get(database)?.rows.get('sales.orders')?.length;
const markIn = (database: string): unknown => JSON.parse(server.databases.get(database)?.received ?? 'null');
const renamed = (): string[] =>
  server.executed
    .filter((sql) => sql.includes('MODIFY NAME'))
    .map((sql) => sql.replaceAll(/-[0-9a-f]{8}/g, '-…'));
const refuse = (number: number, message: string): Answer => ({ error: { number, message } });

test('what was loaded beside takes the name of what was received before, which goes', async () => {
  await receive('copy', 1);
  assert.deepEqual(names(), ['copy']);
  assert.equal(ordersIn('copy'), 5000);
  await receiving('copy', async ({ mark }) => assert.deepEqual(mark, markOf(1)));
  server.executed.length = 0;
  await receive('copy', 2);
  assert.deepEqual(names(), ['copy']);
  assert.deepEqual(markIn('copy'), markOf(2));
  assert.deepEqual(renamed(), [
    'ALTER DATABASE [copy] MODIFY NAME = [copy.receiving-….holdfast-…]',
    'ALTER DATABASE [copy.receiving-…] MODIFY NAME = [copy]',
  ]);
});

test('a session of ours that the server has not ended yet keeps nothing from its name, which all may use then', async () => {
  await receive('copy', 1);
  const busy = (name: string): boolean => server.databases.get(name)?.shut !== true;
  server.interfere = (sql) => {
    const name = /^ALTER DATABASE \[([^\]]+)\] MODIFY NAME/.exec(sql)?.[1];
    return name !== undefined && busy(name)
      ? refuse(5030, 'The database could not be exclusively locked.')
      : undefined;
  };
  await receive('copy', 2);
  server.databases.set('copy.receiving-89abcdef', server.databases.get('copy')!);
  server.databases.delete('copy');
  await receive('copy', 3);
  await receive('new', 1);
  assert.deepEqual(
    [...server.databases].map(([name, { shut }]) => [name, shut]),
    [
      ['copy', false],
      ['new', false],
    ],
  );
});

test('what cannot be loaded whole is dropped, and what readers see stays', async () => {
  await receive('copy', 1);
  const cut = edited(dump, 'shop/data/sales.orders/0000.sql', (text) => text.slice(0, -100));
  await receiving('copy', (opened) => assert.rejects(loadInto(opened, 2, cut)));
  await receiving('copy', (opened) => loadInto(opened, 2, dump)); // and ended before the swap
  assert.deepEqual(names(), ['copy']);
  assert.deepEqual(markIn('copy'), markOf(1));
});

test('a run that died between the two names is completed by the next', async () => {
  await receive('copy', 2);
  const loaded = server.databases.get('copy')!;
  server.databases.delete('copy');
  server.databases.set('copy.receiving-0123abcd.holdfast-4567abcd', {
    made: true,
    rows: new Map(),
    received: JSON.stringify(markOf(1)),
  });
  server.databases.set('copy.receiving-00000000', { made: true, rows: new Map() }); // was not loaded whole
  server.databases.set('copy.receiving-89abcdef', loaded);
  server.databases.set('copy.receiving-mine', { made: true, rows: new Map() });
  await receiving('copy', async ({ mark }) => assert.deepEqual(mark, markOf(2)));
  assert.deepEqual(names().toSorted(), ['copy', 'copy.receiving-mine']);
});

test('a run that can give the name to neither leaves both to the next', async () => {
  await receive('copy', 1);
  server.interfere = (sql) =>
    sql.endsWith('MODIFY NAME = [copy]') ? refuse(5061, 'ALTER DATABASE failed.') : undefined;
  await receiving('copy', async (opened) => {
    await loadInto(opened, 2, dump);
    await assert.rejects(opened.publish(), /cannot be replaced/);
  });
  assert.equal(names().length, 2);
  server.interfere = () => undefined;
  await receiving('copy', async ({ mark }) => assert.deepEqual(mark, markOf(2)));
  assert.deepEqual(names(), ['copy']);
});

test('a run that died when it had shut readers out is made good by the next; a database that others shut stays so', async () => {
  await receive('copy', 1);
  const copy = server.databases.get('copy')!;
  copy.shut = true;
  server.databases.set('other', { made: true, rows: new Map(), shut: true });
  for (const name of ['copy', 'other']) await receiving(name, async () => {});
  assert.deepEqual([copy.shut, server.databases.get('other')?.shut], [false, true]);
});

test('what was not received is not replaced, in whichever case it is named', async () => {
  server.databases.set('Taken', { made: true, rows: new Map() });
  for (const name of ['Taken', 'taken'])
    await receiving(name, (opened) =>
      assert.rejects(
        loadInto(opened, 1, dump),
        (error) => hasCode(error, 'TARGET_NOT_EMPTY') && /database Taken holds/.test(error.message),
      ),
    );
  assert.deepEqual(names(), ['Taken']);
});

test('two runs do not receive into one database, and changes are not taken', async () => {
  server.interfere = (sql) =>
    sql.includes('sp_getapplock') ? { columns: ['outcome'], rows: [[-1]] } : undefined;
  await assert.rejects(
    receiving('copy', async () => assert.fail('it was open')),
    /another run is receiving into database copy/,
  );
  server.interfere = () => undefined;
  await receive('copy', 1);
  await receiving('copy', (opened) =>
    assert.rejects(opened.apply(noEntries(), markOf(2)), (error) => hasCode(error, 'UNSUPPORTED')),
  );
});

test('who gets in between the end of all sessions and the new name is sent away, too, but not for ever', async () => {
  await receive('copy', 1);
  let refusals = 3;
  server.interfere = (sql) => {
    if (!sql.startsWith('ALTER DATABASE [copy] MODIFY NAME') || refusals === 0) return undefined;
    refusals -= 1;
    return refuse(5030, 'The database could not be exclusively locked to perform the operation.');
  };
  await receive('copy', 2);
  refusals = Number.POSITIVE_INFINITY;
  await receiving('copy', async (opened) => {
    await loadInto(opened, 3, dump);
    await assert.rejects(
      opened.publish(),
      (error) => hasCode(error, 'TARGET_FAILED') && /copy cannot be replaced/.test(error.message),
    );
  });
  assert.ok(!server.executed.some((sql) => sql.includes('SINGLE_USER')), 'which another could be');
  assert.equal(server.databases.get('copy')?.shut, false);
  assert.deepEqual(names(), ['copy']);
  assert.deepEqual(markIn('copy'), markOf(2));
});

async function* noEntries(): AsyncGenerator<never> {}
