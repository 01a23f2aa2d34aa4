import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { parsePatternFile, readPatternFiles } from './pattern-file.ts';
import { temporaryFolder } from './testing.ts';

test('blank lines and comments are no patterns, and space around one is not part of it', () => {
  assert.deepEqual(parsePatternFile('# cache\n\n  *.tmp \r\n\t\n!keep.tmp\nwith # inside\n', {}), [
    '*.tmp',
    '!keep.tmp',
    'with # inside',
  ]);
});

test('variables are replaced as a shell would, and two dollars are one', () => {
  const environment = { HOME: '/home/me', X_1: 'x' };
  const lines = ['$HOME/cache', `\${HOME}x`, '$X_1/$NONE/y', 'a$$b', 'a$/b', 'end$', '$1.log', '$HOMEs'];
  assert.deepEqual(parsePatternFile(lines.join('\n'), environment), [
    '/home/me/cache',
    '/home/mex',
    'x//y',
    'a$b',
    'a$/b',
    'end$',
    '.log',
    '',
  ]);
});

test('a file may be UTF-8 with or without a mark, or UTF-16', () => {
  using folder = temporaryFolder();
  const place = (name: string): string => join(folder.path, name);
  writeFileSync(place('plain'), 'ünï\n');
  writeFileSync(place('marked'), '\ufeffünï\n');
  writeFileSync(place('little'), Buffer.from('\ufeffünï\n', 'utf16le'));
  writeFileSync(place('big'), Buffer.from('\ufeffünï\n', 'utf16le').swap16());
  assert.deepEqual(
    readPatternFiles(['plain', 'marked', 'little', 'big'].map(place), {}),
    Array(4).fill('ünï'),
  );
});

test('a file that cannot be read is named', () => {
  assert.throws(
    () => readPatternFiles(['/nowhere/excludes'], {}),
    (error) => hasCode(error, 'CONFIG_INVALID') && error.message.includes('/nowhere/excludes'),
  );
});
