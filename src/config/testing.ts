// Configuration files for tests.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, loadConfig } from './config.ts';
import type { Environment } from './interpolate.ts';
import { formatMistake } from './mistake.ts';
import { parseConfig } from './parse.ts';

/** The mistakes of a text, as its user reads them. */
export const mistakesIn = (text: string, env: Environment = {}): string[] => {
  const result = parseConfig(text, env);
  return 'mistakes' in result ? result.mistakes.map((mistake) => formatMistake('f', mistake)) : [];
};

/** Loads a text as a private file of its own. */
export const loadText = async (text: string, env: Environment = {}): Promise<Config> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  const file = join(folder, 'holdfast.yaml');
  try {
    writeFileSync(file, text, { mode: 0o600 });
    return await loadConfig(file, env);
  } finally {
    rmSync(folder, { recursive: true });
  }
};
