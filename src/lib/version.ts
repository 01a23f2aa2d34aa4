// The version of this Holdfast, from its package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** package.json lies two folders above this file, in the clone and in the package alike. */
const manifest: unknown = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8'),
);

export const version =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
