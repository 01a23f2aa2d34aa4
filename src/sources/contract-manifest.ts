// Holds a manifest against the rows of the same dump, counted anew.
import assert from 'node:assert/strict';
import { createRowCounter } from '#lib/row-checksum.ts';
import { manifestSchema } from './manifest.ts';
import type { CapturedEntry } from './testing.ts';

/** Fails unless the manifest parses, and each of its tables has the rows, bytes and checksum that it says. */
export const checkManifest = (entry: CapturedEntry, dumped: readonly CapturedEntry[]): void => {
  const manifest = manifestSchema.parse(JSON.parse(Buffer.from(entry.content ?? []).toString('utf8')));
  const folder = entry.path.slice(0, entry.path.lastIndexOf('/') + 1);
  const contents = new Map(dumped.map(({ path, content }) => [path, content]));
  for (const table of manifest.tables) {
    const counter = createRowCounter(table.format);
    for (const name of table.entries) {
      const content = contents.get(folder + name);
      assert.ok(content, `${table.name}: the dump has no entry ${folder}${name}`);
      counter.update(content);
    }
    const { rows, bytes, checksum } = table;
    assert.deepEqual({ rows, bytes, checksum }, counter.finish(), `rows of ${table.name}`);
  }
};
