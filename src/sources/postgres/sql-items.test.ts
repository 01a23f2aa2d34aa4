import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { itemsOf } from './sql-items.ts';
import { lexSql } from './sql-lexer.ts';

const statements = (sql: string): string[] => [...lexSql(sql)].map(({ text }) => text);
const one = [
  `select 'a;b', "c;d", E'e\\';f', 'it''s';`,
  'select $$;$$, $fn$ $$; $fn$, $1, a$b$c;',
  'select 1 /* ; /* nested ; */ ; */ + 2 -- ; no end\n;',
  'create rule r as on insert to t do (select 1; select 2);',
  'create function f() returns int begin atomic select case when true then 1 end; select 2; end;',
  'create or replace procedure p() begin atomic select 1; end;',
  'alter table "begin" add column "case" int;',
  `comment on table 表 is 'ünï;🐙';`,
  "select E'\\\\';",
  "select U&'\\0041;';",
];

test('a semicolon ends a statement only where psql would end it', () => {
  for (const sql of one) assert.deepEqual(statements(`${sql}\n`), [sql]);
  assert.deepEqual(statements(one.join('\n\n')), one);
});

test('commands of psql are left out between statements and refused within', () => {
  assert.deepEqual(statements('\\restrict x\nselect 1;\n\\! rm -rf /\nselect 2;\n\\unrestrict x\n'), [
    'select 1;',
    'select 2;',
  ]);
  assert.throws(
    () => statements('select 1\n\\! id\n;'),
    (error) => hasCode(error, 'TARGET_FAILED'),
  );
});

test('a script that is cut short anywhere in a statement is an error', () => {
  for (const sql of one)
    for (let length = 1; length < sql.length; length += 1)
      assert.throws(
        () => statements(`${sql.slice(0, length)}`),
        (error) => hasCode(error, 'TARGET_FAILED'),
      );
});

const heading = (name: string, type: string, rest = '') =>
  `--\n-- Name: ${name}; Type: ${type}; Schema: public; Owner: me${rest}\n--\n\n`;

test('items are told apart by their headings, which count only outside of statements', () => {
  const { preamble, items } = itemsOf(
    `SET a = 1;\n${heading('f()', 'FUNCTION')}CREATE FUNCTION f() AS $$\n${heading('fake', 'TABLE')}$$;\nALTER FUNCTION f() OWNER TO me;\n` +
      `SET default_tablespace = fast;\n${heading('o; Type: X', 'TABLE', '; Tablespace: fast')}CREATE TABLE o ();\n`,
  );
  assert.deepEqual(preamble, ['SET a = 1;']);
  assert.deepEqual(
    items.map(({ name, type, statements: { length }, settings }) => [name, type, length, settings]),
    [
      ['f()', 'FUNCTION', 2, []],
      ['o; Type: X', 'TABLE', 1, ['SET default_tablespace = fast;']],
    ],
  );
});
