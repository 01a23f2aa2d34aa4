// What is allowed but unwise.
import { type Secret, secretsIn } from '#lib/secret.ts';
import { secretWarning } from '#lib/secret-schema.ts';

interface Readable {
  readonly file: string;
  readonly repositories: ReadonlyMap<string, unknown>;
  readonly sources: ReadonlyMap<string, unknown>;
  readonly notifiers: ReadonlyMap<string, unknown>;
  /** Some name stores of their own. */
  readonly jobs: ReadonlyMap<string, unknown>;
  readonly bulletins?: unknown;
  readonly console?: unknown;
}

/** A sentence for each secret that other users of this machine could read. `text` and `mode` are the configuration file's own. */
export const warningsFor = (config: Readable, text: string, mode: number): string[] => {
  const { repositories, sources, notifiers, jobs } = config;
  const named = [repositories, sources, notifiers, jobs].flatMap((section) => [...section.values()]);
  const places = [...named, config.bulletins, config.console];
  const secrets = [...secretsIn(places)];
  const warnings = secrets.map(secretWarning).filter((warning) => warning !== undefined);
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
  if (isOpen && secrets.some((secret) => secret.origin.kind === 'text' && standsIn(text, secret)))
    warnings.push(`${config.file} holds a secret and is open to other users: chmod 600 ${config.file}`);
  return [...new Set(warnings)];
};

/** False for what variables brought in. A file without any has all its secrets in it, however they are written. */
const standsIn = (text: string, secret: Secret): boolean => {
  const value = secret.reveal();
  return !text.includes('${') || text.includes(value) || decoded(text).includes(value);
};

/** As passwords in URLs are meant. */
const decoded = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('%', ''), 'hex').toString());
