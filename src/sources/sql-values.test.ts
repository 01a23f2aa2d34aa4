import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqlValues } from './sql-values.ts';

test('values are told apart by the commas between them, and by no others', () => {
  const line = `INSERT INTO "a,b"("x") VALUES(1,'it''s, (all) one',replace('a\\n,','\\n',char(10)),X'00FF',NULL,-1.5e+300,CAST(X'00' AS TEXT));`;
  assert.deepEqual(sqlValues(line, line.indexOf('VALUES(') + 'VALUES('.length), [
    '1',
    `'it''s, (all) one'`,
    `replace('a\\n,','\\n',char(10))`,
    `X'00FF'`,
    'NULL',
    '-1.5e+300',
    `CAST(X'00' AS TEXT)`,
  ]);
});
