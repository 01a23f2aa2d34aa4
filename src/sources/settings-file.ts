// Files that a server's settings name: option files, certificates and keys.
import { readFileSync } from 'node:fs';
import { HoldfastError, messageOf } from '#lib/errors.ts';

/** CONFIG_INVALID when it cannot be read; `parameter` is the setting that names it. */
export const readSettingsFile = (file: string, parameter?: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const what = parameter === undefined ? file : `${parameter} ${file}`;
    throw new HoldfastError('CONFIG_INVALID', `cannot read ${what}: ${messageOf(cause)}`, { cause });
  }
};
