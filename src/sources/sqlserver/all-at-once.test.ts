// The states of several databases, taken before any of them is read.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { openSqlServer, startPlainServer } from './testing.ts';

for (const allAtOnce of [true, false])
  test(`with the first entry ${allAtOnce ? 'every' : 'no'} database is held`, async () => {
    await using server = await startPlainServer(shop, ['one', 'two', 'three']);
    const begun: string[] = [];
    server.interfere = (sql, { database }) => {
      if (sql === 'BEGIN TRANSACTION') begun.push(database);
      return undefined;
    };
    await using source = await openSqlServer({
      url: server.url(),
      databases: ['one', 'two', 'three'],
      isolation: 'snapshot',
    });
    const entries = source.dump(undefined, { allAtOnce })[Symbol.asyncIterator]();
    const { value } = await entries.next();
    assert.equal(value?.path, '00-server.json');
    assert.deepEqual(begun.toSorted(), allAtOnce ? ['one', 'three', 'two'] : []);
    const paths: string[] = [];
    for (let next = await entries.next(); !next.done; next = await entries.next()) {
      const { path, content } = next.value;
      for await (const _ of content?.() ?? []);
      if (path.endsWith('/manifest.json')) paths.push(path);
    }
    assert.deepEqual(
      paths,
      ['one', 'three', 'two'].map((name) => `${name}/manifest.json`),
    );
    assert.equal(begun.length, 3);
  });
