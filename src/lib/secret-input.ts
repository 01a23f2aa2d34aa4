// A secret as it is written down, and how its value is read.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { HoldfastError, messageOf } from './errors.ts';
import { expandHome } from './home.ts';
import { Secret } from './secret.ts';

/** The text itself, or where to find it; a command is a line for the shell, or program and arguments. */
export type SecretInput =
  | string
  | { readonly file: string }
  | { readonly env: string }
  | { readonly command: string | readonly string[] };

export interface SecretOptions {
  /** How long a command may take; the default leaves time to type a passphrase into the key agent it may ask. */
  readonly commandLimitMs?: number;
}

/** The secret that such an input stands for; nothing is read before `reveal()`. */
export const toSecret = (value: SecretInput, { commandLimitMs = 60_000 }: SecretOptions = {}): Secret => {
  if (typeof value === 'string') return new Secret(value);
  if ('file' in value) return fileSecret(expandHome(value.file));
  if ('env' in value) return new Secret(() => readEnv(value.env), { kind: 'env', name: value.env });
  return new Secret(() => readCommand(value.command, commandLimitMs), { kind: 'command' });
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
