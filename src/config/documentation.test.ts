import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { notifierKinds } from '#notifiers/registry.ts';
import { sourceKinds } from '#sources/registry.ts';
import { storeKinds } from '#stores/registry.ts';
import { fileSchema } from './file-schema.ts';
import { noNames } from './names.ts';

const manual = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');

test('the manual has every section of the file and every kind', () => {
  const sections = Object.keys(fileSchema(noNames).shape);
  const words = [...sections, ...sourceKinds.keys(), ...storeKinds.keys(), ...notifierKinds.keys()];
  assert.deepEqual(
    words.filter((word) => !manual.includes(`\`${word}\``)),
    [],
  );
});
