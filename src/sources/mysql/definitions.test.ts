import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { decodeName, encodeName } from '../path-names.ts';
import { createTableStatement, isForeignKey, parseCreateTable, withoutNextNumber } from './create-table.ts';
import { databasePath, parsePath } from './layout.ts';
import { itemsOf, type SqlItem, scriptOf } from './sql-items.ts';
import { parseVersion } from './version.ts';

test('a script is read back as it was written, whatever its statements hold', () => {
  const session = { sqlMode: "A'B\\", charset: 'gbk', collation: 'gbk_chinese_ci', timeZone: 'SYSTEM' };
  const items: SqlItem[] = [
    {
      type: 'table',
      name: 'é\n-- {"type":"table"}',
      statement: 'CREATE TABLE `x` (\n-- {"type":"table","name":"y","skip":0,"bytes":3}\n)',
    },
    {
      type: 'procedure',
      name: 'p',
      session,
      statement: 'CREATE PROCEDURE p() begin ;; ;;; \n-- {"x":1}\n\x95\\ end',
    },
    {
      type: 'trigger',
      name: 't',
      table: 'x',
      session: { ...session, sqlMode: '' },
      statement: 'CREATE TRIGGER t',
    },
  ];
  assert.deepEqual(itemsOf(scriptOf('About.', items)), items);
  assert.deepEqual(itemsOf(scriptOf('Nothing.', [])), []);
});

test('a script that is cut or changed is refused', () => {
  const script = scriptOf('About.', [{ type: 'table', name: 'x', statement: 'CREATE TABLE `x` (\n)' }]);
  for (const damaged of [
    script.subarray(0, -6),
    Buffer.from(script.toString().replace('"table"', '"thing"')),
  ])
    assert.throws(
      () => itemsOf(damaged),
      (error) => hasCode(error, 'TARGET_FAILED'),
    );
});

test('a table is taken apart at its own commas, and put together again', () => {
  const statement = [
    'CREATE TABLE `a``,(` (',
    "  `id` int NOT NULL COMMENT 'x, (''y'' \\\\',",
    "  `e` enum('a,b','c)') DEFAULT ('),('),",
    '  PRIMARY KEY (`id`,`e`),',
    '  CONSTRAINT `f,``g` FOREIGN KEY (`id`) REFERENCES `b` (`id`),',
    '  CONSTRAINT `c` CHECK (`id` in (1,2,3))',
    ") ENGINE=InnoDB AUTO_INCREMENT=7 COMMENT=') AUTO_INCREMENT=8'\n PARTITION BY HASH (`id`)",
  ].join('\n');
  const table = parseCreateTable(statement);
  assert.equal(table?.parts.length, 5);
  assert.equal(table?.parts.filter(isForeignKey).length, 1);
  assert.equal(createTableStatement('a`,(', table ?? { parts: [], options: '' }), statement);
  assert.match(withoutNextNumber(statement), /^\) ENGINE=InnoDB COMMENT=/m);
  assert.equal(parseCreateTable('CREATE SEQUENCE `s` start with 1'), undefined);
});

test('names become paths and names again', () => {
  for (const name of ['a/b+c', '..', 'x.y', '=2E', 'new\nline', 'ж🐙'])
    assert.equal(decodeName(encodeName(name)), name);
  assert.ok(databasePath('00-server.json') > '1');
  assert.deepEqual(parsePath('shop/data/a=2Fb/0000.tsv'), {
    kind: 'rows',
    database: 'shop',
    table: 'a/b',
    part: 'current',
  });
  assert.throws(
    () => parsePath('shop/../x'),
    (error) => hasCode(error, 'PATH_UNSAFE'),
  );
  assert.throws(
    () => parsePath('shop/data/x/0001.copy'),
    (error) => hasCode(error, 'TARGET_FAILED'),
  );
});

test('a server says which it is', () => {
  assert.deepEqual(parseVersion('5.5.5-10.11.19-MariaDB-log'), {
    engine: 'mariadb',
    text: '10.11.19-MariaDB',
    number: 101_119,
  });
  assert.deepEqual(parseVersion('8.0.36-28'), { engine: 'mysql', text: '8.0.36', number: 80_036 });
});
