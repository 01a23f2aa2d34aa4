import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { type Mark, type Receiver, receiverOf } from '../receiver.ts';
import { replay } from '../testing.ts';
import { dump, execute, openSqlite, query, refused } from './testing.ts';

const folder = temporaryFolder('sqlite-receiving');
const time = new Date(0).toISOString();

const receive = async (from: string, into: string): Promise<void> => {
  const times = { snapshot: from, time, takenAt: time };
  const mark: Mark = { ...times, whole: true, settledAt: time, base: times };
  await using target = await openSqlite(into, { busyTimeoutSeconds: 1 });
  await using receiving = await (receiverOf(target) as Receiver).openReceiving();
  await receiving.load(replay(await dump(from)), { mark, databases: [], onProgress() {} });
  await receiving.publish();
};

test('a database in WAL mode is kept fresh when the size of its pages has changed', async () => {
  const copy = join(folder, 'copy.db');
  for (const size of [4096, 8192, 1024]) {
    const path = join(folder, `${size}.db`);
    execute(
      path,
      `PRAGMA page_size=${size}; PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(${size})`,
    );
    await receive(path, copy);
    assert.deepEqual(
      query(copy, 'SELECT a, page_size, journal_mode FROM t, pragma_page_size, pragma_journal_mode'),
      [[BigInt(size), BigInt(size), 'wal']],
    );
  }
  using reader = new DatabaseSync(copy);
  reader.exec('SELECT * FROM t');
  await refused(receive(join(folder, '8192.db'), copy), 'TARGET_FAILED', /copy.db stayed locked for 1 s/);
});
