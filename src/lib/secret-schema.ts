// How a secret is written in the configuration: as text, or as where to find it.
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { HoldfastError, messageOf } from './errors.ts';
import { expandHome } from './home.ts';
import { Secret } from './secret.ts';

export interface SecretOptions {
  /** How long a command may take; the default leaves time to type a passphrase into the key agent it may ask. */
  readonly commandLimitMs?: number;
}

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

export type SecretInput = z.input<typeof input>;

/** A zod schema for a secret: a text, `{ file }`, `{ env }` or `{ command }`. Nothing is read before `reveal()`. */
export const secret = (options: SecretOptions = {}) => input.transform((value) => toSecret(value, options));

/** The secret that such an input stands for; for callers that do not come from a file. */
export const toSecret = (value: SecretInput, { commandLimitMs = 60_000 }: SecretOptions = {}): Secret => {
  if (typeof value === 'string') return new Secret(value);
  if ('file' in value) return fileSecret(expandHome(value.file));
  if ('env' in value) return new Secret(() => readEnv(value.env), { kind: 'env', name: value.env });
  return new Secret(() => readCommand(value.command, commandLimitMs), { kind: 'command' });
};

/** A sentence when a secret's file can be read by others on this machine; secrets mounted into containers often can, so it is no error. */
export const secretWarning = (value: Secret): string | undefined => {
  if (value.origin.kind !== 'file' || process.platform === 'win32') return undefined;
  const mode = statSync(value.origin.path, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o077) === 0) return undefined;
  return `${value.origin.path} holds a secret and is open to other users (mode ${(mode & 0o777).toString(8).padStart(4, '0')}): chmod 600 ${value.origin.path}`;
};

const fileSecret = (path: string): Secret => new Secret(() => readSecretFile(path), { kind: 'file', path });

const readSecretFile = (path: string): string => {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `cannot read the secret in ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'write the secret into that file, readable by the user that runs holdfast (mode 0600)',
    });
  }
  return notEmpty(content, `the secret file ${path} is empty`, 'write the secret into it');
};

const readEnv = (name: string): string =>
  notEmpty(
    process.env[name] ?? '',
    `the environment variable ${name}, which should hold a secret, is not set`,
    `set ${name}, or name a file with { file: … }`,
  );

// What the command prints, on either stream, may be the secret: neither reaches a message.
const readCommand = (command: string | readonly string[], limitMs: number): string => {
  const [program, args, shell] =
    typeof command === 'string' ? [command, [], true] : [command[0] as string, command.slice(1), false];
  const label =
    typeof command === 'string' ? 'the command for a secret' : `the command for a secret (${program})`;
  const hint = 'run the command by hand, as the user that runs holdfast, to see what it says';
  const result = spawnSync(program, args, {
    shell,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: limitMs,
    killSignal: 'SIGKILL',
  });
  const failed = (how: string): HoldfastError =>
    new HoldfastError('CONFIG_INVALID', `${label} ${how}`, { hint });
  const code = result.error && 'code' in result.error ? result.error.code : undefined;
  if (code === 'ETIMEDOUT') throw failed(`did not end within ${limitMs / 1000} s`);
  if (result.error) throw failed(`could not be started: ${String(code)}`);
  if (result.signal) throw failed(`was ended by ${result.signal}`);
  if (result.status !== 0) throw failed(`failed with status ${result.status}`);
  return notEmpty(result.stdout, `${label} printed nothing`, hint);
};

/** Without its last newline. An empty secret is never meant: it would open what should be closed. */
const notEmpty = (value: string, message: string, hint: string): string => {
  const trimmed = value.replace(/\r?\n$/, '');
  if (trimmed === '') throw new HoldfastError('CONFIG_INVALID', message, { hint });
  return trimmed;
};
