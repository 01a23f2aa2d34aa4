import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { connectionError } from './server-error.ts';

test('what the system says of the socket is a lost connection, also where the driver did not wrap it', () => {
  const broken = Object.assign(new Error('write ECONNRESET'), { code: 'ECONNRESET', syscall: 'write' });
  const error = connectionError(broken, { server: 'db.internal:27017', user: undefined });
  assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'));
  assert.equal(error.message, 'cannot reach MongoDB at db.internal:27017: write ECONNRESET');
  assert.match(error.hint ?? '', /then run again/);
});

test('what the driver cannot read of an answer is told as such, and not only in its words', () => {
  for (const [name, message] of [
    ['BSONOffsetError', 'Parsed documentSize (131 bytes) does not match input length (82 bytes)'],
    ['MongoServerError', 'n/a'],
  ] as const) {
    const error = connectionError(Object.assign(new Error(message), { name }), {
      server: 'db.internal:27017',
      user: undefined,
    });
    assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'));
    assert.match(error.message, /^what MongoDB at db\.internal:27017 answers cannot be read: /);
  }
});
