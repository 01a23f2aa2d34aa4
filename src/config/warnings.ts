// What is allowed but unwise.
import { Secret } from '#lib/secret.ts';
import { secretWarning } from '#lib/secret-schema.ts';

interface Readable {
  readonly file: string;
  readonly repositories: ReadonlyMap<string, unknown>;
  readonly sources: ReadonlyMap<string, unknown>;
  readonly notifiers: ReadonlyMap<string, unknown>;
  /** Some name stores of their own. */
  readonly jobs: ReadonlyMap<string, unknown>;
}

/** A sentence for each secret that other users of this machine could read. `mode` is the configuration file's own. */
export const warningsFor = (config: Readable, mode: number): string[] => {
  const { repositories, sources, notifiers, jobs } = config;
  const places = [repositories, sources, notifiers, jobs].flatMap((section) => [...section.values()]);
  const secrets = [...secretsIn(places)];
  const warnings = secrets.map(secretWarning).filter((warning) => warning !== undefined);
  const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0;
  if (isOpen && secrets.some(({ origin }) => origin.kind === 'text'))
    warnings.push(`${config.file} holds a secret and is open to other users: chmod 600 ${config.file}`);
  return [...new Set(warnings)];
};

/** Every secret in a value of the configuration. */
function* secretsIn(value: unknown): Generator<Secret> {
  if (value instanceof Secret) yield value;
  else if (Array.isArray(value)) for (const item of value) yield* secretsIn(item);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* secretsIn(item);
}
