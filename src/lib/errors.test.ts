import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { getSystemErrorName } from 'node:util';
import { messageOf, systemCode } from './errors.ts';

test('what Node has no name for has the one that the system gives it', () => {
  for (const [code, text] of [
    ['EDQUOT', 'disk quota exceeded'],
    ['ESTALE', 'stale file handle'],
  ] as const) {
    const errno = -constants.errno[code];
    const name = getSystemErrorName(errno);
    const later = Object.assign(new Error(`${name}: ${name}, open '/srv/a'`), { code: name, errno });
    const atOnce = Object.assign(new Error('UNKNOWN: unknown error, write'), { code: 'UNKNOWN', errno });
    assert.deepEqual([later, atOnce].map(systemCode), [code, code]);
    assert.deepEqual([later, atOnce].map(messageOf), [
      `${code}: ${text}, open '/srv/a'`,
      `${code}: ${text}, write`,
    ]);
  }
});

test('a number without a name stays as Node tells it', () => {
  const error = Object.assign(new Error('UNKNOWN: unknown error, write'), { code: 'UNKNOWN', errno: -4000 });
  assert.equal(systemCode(error), 'UNKNOWN');
  assert.equal(messageOf(error), 'UNKNOWN: unknown error, write');
});
