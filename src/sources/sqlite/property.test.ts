// Databases that nobody thought of, out and back.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { test } from 'node:test';
import { type Random, seededRandom } from '#lib/random.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { capture, intoEmpty, replay } from '../testing.ts';
import { quoteName } from './identifiers.ts';
import { contentsOf, execute, openSqlite, query } from './testing.ts';

const folder = temporaryFolder('sqlite-property');

for (const encoding of ['UTF-8', 'UTF-16le', 'UTF-16be'])
  test(`random databases in ${encoding} come back exactly`, async () => {
    for (let round = 0; round < 6; round += 1) {
      const random = seededRandom(`${encoding}/${round}`);
      const path = join(folder, `${encoding}-${round}.db`);
      makeDatabase(path, encoding, random);
      await using source = await openSqlite(path);
      const dumped = await capture(source);
      await using target = await openSqlite(`${path}.restored`);
      const report = await target.restore(replay(dumped), intoEmpty);
      assert.deepEqual(report.failures, [], `round ${round}`);
      assert.deepEqual(contentsOf(`${path}.restored`), contentsOf(path), `round ${round}`);
      assert.deepEqual(query(`${path}.restored`, 'PRAGMA integrity_check'), [['ok']]);
    }
  });

for (const table of [
  't(a, id INTEGER PRIMARY KEY)',
  't(a, id)',
  't(id INTEGER PRIMARY KEY DESC, a)',
  't(a, id, rowid, oid, _rowid_)',
  't(a, id PRIMARY KEY) WITHOUT ROWID',
])
  test(`rows that need care among a thousand that do not, in ${table}`, async () => {
    const path = join(folder, `${table}.db`);
    execute(
      path,
      `CREATE TABLE ${table}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO t(id, a) SELECT i * 3, CASE WHEN i % 97 = 0 OR i BETWEEN 300 AND 500 THEN CAST(x'ff' AS TEXT) || i
         WHEN i % 250 = 0 THEN zeroblob(3000000) WHEN i % 13 = 0 THEN char(10) || i ELSE i END FROM n`,
    );
    await using source = await openSqlite(path);
    await using target = await openSqlite(`${path}.restored`);
    await target.restore(source.dump(), intoEmpty);
    assert.deepEqual(contentsOf(`${path}.restored`), contentsOf(path));
  });

const makeDatabase = (path: string, encoding: string, random: Random): void => {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  try {
    db.exec(`PRAGMA encoding='${encoding}'; PRAGMA page_size=${random.pick([512, 1024, 4096, 65536])}`);
    db.exec(`PRAGMA auto_vacuum=${random.integer(0, 3)}; PRAGMA user_version=${random.integer(-9, 9)}`);
    if (random.chance(0.5)) db.exec('PRAGMA journal_mode=WAL');
    const tables = random.integer(1, 6);
    for (let number = 0; number < tables; number += 1) makeTable(db, nameOf(random, number), random);
    if (random.chance(0.3)) db.exec('ANALYZE');
  } finally {
    db.close();
  }
};

interface TestColumn {
  readonly name: string;
  readonly type: string;
  readonly generated: boolean;
}

const makeTable = (db: DatabaseSync, table: string, random: Random): void => {
  const strict = random.chance(0.2);
  const columns = columnsOf(random, strict);
  const given = columns.filter(({ generated }) => !generated);
  const key = random.pick([
    'none',
    'none',
    'integer',
    'autoincrement',
    'descending',
    'columns',
    'without rowid',
  ]);
  const parts = columns.map((column, at) => columnSql(column, at === 0, key));
  if (key === 'columns' || key === 'without rowid') parts.push(`PRIMARY KEY(${quoteName(given[0]!.name)})`);
  const options = [key === 'without rowid' ? 'WITHOUT ROWID' : '', strict ? 'STRICT' : ''].filter(
    (each) => each,
  );
  db.exec(`CREATE TABLE ${quoteName(table)}(${parts.join(', ')}) ${options.join(', ')}`);
  const insert = db.prepare(
    `INSERT OR IGNORE INTO ${quoteName(table)}(${given.map(({ name }) => quoteName(name)).join(',')}) VALUES(${given
      .map(({ type }) => (type.startsWith('cast ') ? 'CAST(? AS TEXT)' : '?'))
      .join(',')})`,
  );
  const rows = random.pick([0, 1, 7, 60]);
  for (let row = 0; row < rows; row += 1)
    try {
      insert.run(...given.map(({ type }) => randomValue(random, type)));
    } catch {
      // a value that this column does not take
    }
  if (random.chance(0.3)) db.exec(`DELETE FROM ${quoteName(table)} WHERE abs(random()) % 3 = 0`);
  if (random.chance(0.5))
    db.exec(
      `CREATE INDEX ${quoteName(`${table} index`)} ON ${quoteName(table)}(${quoteName(given.at(-1)!.name)})`,
    );
};

const columnsOf = (random: Random, strict: boolean): TestColumn[] => {
  const types = strict
    ? ['INT', 'INTEGER', 'REAL', 'TEXT', 'BLOB', 'ANY']
    : ['', 'INTEGER', 'REAL', 'TEXT', 'BLOB', 'NUMERIC', 'VARCHAR(9)', 'cast TEXT', 'cast '];
  const columns: TestColumn[] = [];
  for (let number = random.integer(1, 8); number > 0; number -= 1)
    columns.push({ name: nameOf(random, number), type: random.pick(types), generated: false });
  if (random.chance(0.3)) columns.push({ name: 'made', type: strict ? 'ANY' : '', generated: true });
  return columns;
};

const columnSql = ({ name, type, generated }: TestColumn, first: boolean, key: string): string => {
  const declared = type.replace('cast ', '');
  if (generated) return `${quoteName(name)} ${declared} AS (1 + 1) ${key === 'none' ? 'STORED' : 'VIRTUAL'}`;
  if (!first) return `${quoteName(name)} ${declared}`;
  if (key === 'integer') return `${quoteName(name)} INTEGER PRIMARY KEY`;
  if (key === 'autoincrement') return `${quoteName(name)} INTEGER PRIMARY KEY AUTOINCREMENT`;
  if (key === 'descending') return `${quoteName(name)} INTEGER PRIMARY KEY DESC`;
  return `${quoteName(name)} ${declared}`;
};

/** Names that differ in their number, and are awkward otherwise. */
const nameOf = (random: Random, number: number): string =>
  random.pick([
    't',
    'a b',
    "it's",
    'q"q',
    '%2F',
    '../x',
    'é☂',
    'select',
    'rowid',
    'oid',
    '.hidden',
    'x\ty',
    '-- ',
    '/*',
    '1',
  ]) + (number || '');

const randomValue = (random: Random, type: string): SQLInputValue => {
  if (type.startsWith('cast ')) return bytesOf(random, random.integer(0, 12) * 2);
  switch (random.integer(0, 9)) {
    case 0:
      return null;
    case 1:
      return BigInt(random.integer(-5, 100));
    case 2:
      return BigInt.asIntN(
        64,
        BigInt(Math.floor(random.next() * 2 ** 52)) * 4099n * (random.chance(0.5) ? 1n : -1n),
      );
    case 3:
      return new Float64Array(bytesOf(random, 8).buffer)[0] ?? 0;
    case 4:
      return random.pick([0, -0, 1.5, 1e300, -1e-300, Number.POSITIVE_INFINITY, 0.1 + 0.2, 2 ** 53]);
    case 5:
      return bytesOf(random, random.integer(0, 50));
    default:
      return Array.from({ length: random.integer(0, 12) }, () => random.pick(texts)).join('');
  }
};

const texts = [
  "'",
  '"',
  '\n',
  '\r',
  '\\n',
  '\\n0',
  '\0',
  'é',
  '🐙',
  ');',
  'abc',
  ' ',
  '%',
  'x'.repeat(300),
  '\ufffd',
  '\uffff',
  '\ufeff',
  '\u{1ffff}',
  '12',
  '-',
];

const bytesOf = (random: Random, length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, () => random.integer(0, 256));
