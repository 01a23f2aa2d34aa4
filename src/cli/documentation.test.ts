import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'command-line.md'), 'utf8');

test('every kind of message of --json is in the manual', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'));
  const kinds = new Set([...sources.join('\n').matchAll(/message_type: '(\w+)'/g)].map(([, kind]) => kind));
  assert.ok(kinds.size > 40);
  assert.deepEqual(
    [...kinds].filter((kind) => !page.includes(`\`${kind}\``)),
    [],
  );
});
