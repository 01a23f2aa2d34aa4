// How a secret is written in the configuration: as text, or as where to find it.
import { statSync } from 'node:fs';
import { z } from 'zod';
import type { Secret } from './secret.ts';
import { type SecretOptions, toSecret } from './secret-input.ts';

const text = z.string().min(1).describe('The secret itself. Better kept in a file of its own.');
const inFile = z.strictObject({
  file: z
    .string()
    .min(1)
    .describe('A file that holds it; one newline at the end is left out. ~ is the home folder.'),
});
const inEnv = z.strictObject({
  env: z.string().min(1).describe('The environment variable that holds it.'),
});
const byCommand = z.strictObject({
  command: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .describe('A command that prints it: a line for the shell, or a list of program and arguments.'),
});
const input = z.union([text, inFile, inEnv, byCommand]);

/** A zod schema for a secret: a text, `{ file }`, `{ env }` or `{ command }`. Nothing is read before `reveal()`. */
export const secret = (options: SecretOptions = {}) => input.transform((value) => toSecret(value, options));

/** A sentence when a secret's file can be read by others on this machine; secrets mounted into containers often can, so it is no error. */
export const secretWarning = (value: Secret): string | undefined => {
  if (value.origin.kind !== 'file' || process.platform === 'win32') return undefined;
  const mode = statSync(value.origin.path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) === 0) return undefined;
  return `${value.origin.path} holds a secret and is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): chmod 600 ${value.origin.path}`;
};
