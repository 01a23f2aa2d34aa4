// A daemon that waits for months should weigh little: what it loads at once is decided by its imports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..');

/** Every package and part of Node that this file loads as soon as it is loaded. */
const loadedBy = (file: string, seen = new Set<string>()): Set<string> => {
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm);
  for (const [, name = ''] of imports) {
    const path = name.startsWith('#') ? join(source, name.slice(1)) : join(dirname(file), name);
    const isOurs = /^[#.]/.test(name);
    if (seen.has(isOurs ? path : name)) continue;
    seen.add(isOurs ? path : name);
    if (isOurs) loadedBy(path, seen);
  }
  return seen;
};

test('the daemon loads no schemas, no YAML, no HTTP and no driver', () => {
  const packages = [...loadedBy(join(source, 'cli', 'commands', 'daemon.ts'))].filter(
    (name) => !name.startsWith('/'),
  );
  assert.deepEqual(packages.filter((name) => !name.startsWith('node:')).sort(), ['croner']);
  assert.ok(!packages.includes('node:http'));
});
