import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { seededRandom } from '#lib/random.ts';
import { compileGlob } from './glob.ts';

const fits = (glob: string, ...names: string[]): boolean[] => names.map(compileGlob(glob));

test('a name without special characters fits itself only', () => {
  assert.deepEqual(fits('a.c', 'a.c', 'abc', 'a.cc', 'A.c'), [true, false, false, false]);
});

test('a star stands for any characters, none and newlines included', () => {
  assert.deepEqual(fits('*', '', '.hidden', 'a\nb'), [true, true, true]);
  assert.deepEqual(fits('*.tmp', 'a.tmp', '.tmp', 'a.tmp.gz'), [true, true, false]);
  assert.deepEqual(fits('core*', 'core', 'core.123', 'score'), [true, true, false]);
  assert.deepEqual(fits('a*b*c', 'abc', 'a-b-c', 'a\nb\nc', 'acb'), [true, true, true, false]);
});

test('a question mark stands for one character, whatever its bytes', () => {
  assert.deepEqual(fits('?', 'a', '日', '😀', '\udc80', '', 'ab'), [true, true, true, true, false, false]);
});

test('a set has characters and ranges, and ^ turns it round', () => {
  assert.deepEqual(fits('[a-cx]', 'a', 'b', 'x', 'd', '-'), [true, true, true, false, false]);
  assert.deepEqual(fits('[^a-c]', 'a', 'd'), [false, true]);
  assert.deepEqual(fits('[!a]', 'a', '!', 'b'), [true, true, false]);
  assert.deepEqual(fits('[c-a]', 'a', 'b', 'c'), [false, false, false]);
  assert.deepEqual(fits('[\\]\\-^]', ']', '-', '^', 'a'), [true, true, true, false]);
});

test('a backslash takes the next character literally, and nothing else is special', () => {
  assert.deepEqual(fits('\\*', '*', 'a'), [true, false]);
  assert.deepEqual(fits('a(b|c)+.$]?', 'a(b|c)+.$]x', 'abb'), [true, false]);
});

test('a malformed pattern is refused', () => {
  for (const glob of ['[', '[a', '[]', '[]a]', '[^]', '[-a]', '[a-]', 'a\\', '[a\\'])
    assert.throws(
      () => compileGlob(glob),
      (error) => hasCode(error, 'CONFIG_INVALID'),
      glob,
    );
});

test('many stars fit what fewer questions would find, and take no time on names made to make them', () => {
  const fits = compileGlob('*a*a*a*a*a*a*b');
  assert.equal(fits('a'.repeat(255)), false);
  assert.equal(fits(`${'a'.repeat(254)}b`), true);
  const random = seededRandom(5);
  const pick = (letters: string, most: number): string =>
    Array.from({ length: random.integer(0, most + 1) }, () => random.pick([...letters])).join('');
  for (let round = 0; round < 3000; round += 1) {
    const glob = pick('ab*?', 7);
    const name = pick('ab', 8);
    const plain = new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`);
    assert.equal(compileGlob(glob)(name), plain.test(name), `${glob} and ${name}`);
  }
});
