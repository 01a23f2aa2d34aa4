import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { skipWithoutSmallDisk, smallDisk } from '../../../test/tools/small-disk.ts';
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

test('a file that cannot be read is left alone, and named', async () => {
  const path = join(folder, 'from.db');
  execute(path, 'CREATE TABLE t(a)');
  const [strange, marked] = [join(folder, 'strange.db'), join(folder, 'marked.db')];
  writeFileSync(strange, 'x'.repeat(5000));
  execute(marked, "CREATE TABLE holdfast_received(mark); INSERT INTO holdfast_received VALUES('{')");
  for (const into of [strange, marked])
    await refused(
      receive(path, into),
      'TARGET_NOT_EMPTY',
      /(strange|marked).db holds nothing that can be read/,
    );
});

test('a disk that is full when the new state is written is told of, with the file, and readers see the old one', {
  skip: skipWithoutSmallDisk(),
}, async () => {
  using disk = smallDisk(join(folder, 'disk'), 'size=1400k');
  const copy = join(disk.path, 'copy.db');
  const rows = (count: number): string =>
    `DROP TABLE IF EXISTS t; CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
      INSERT INTO t SELECT randomblob(1000) FROM n`;
  const path = join(folder, 'growing.db');
  execute(path, rows(200));
  await receive(path, copy);
  execute(path, rows(700));
  await refused(receive(path, copy), 'TARGET_FAILED', /cannot write more into .*copy.db: /);
  assert.deepEqual(query(copy, 'SELECT count(*) FROM t'), [[200n]]);
});
