// holdfast.yaml → a validated, typed configuration, or every mistake in it with its line.
import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Secret } from '#lib/secret.ts';
import type { NotifierConfig } from '#notifiers/registry.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { BulletinsConfig, ConsoleConfig, OrdersConfig } from './console.ts';
import type { DaemonConfig, LogsConfig } from './daemon.ts';
import type { Mistake } from './document.ts';
import type { FileValues } from './file-schema.ts';
import { requireConfigFile } from './find-file.ts';
import type { Environment } from './interpolate.ts';
import type { Job } from './jobs/verbs.ts';
import { formatMistake } from './mistake.ts';
import { warningsFor } from './warnings.ts';

export interface Config {
  /** The file it was read from. */
  readonly file: string;
  readonly repositories: ReadonlyMap<string, RepositoryConfig>;
  readonly sources: ReadonlyMap<string, SourceConfig>;
  readonly notifiers: ReadonlyMap<string, NotifierConfig>;
  readonly jobs: ReadonlyMap<string, JobConfig>;
  readonly daemon: DaemonConfig;
  readonly logs?: LogsConfig;
  /** What this site is called. */
  readonly site?: string;
  /** Whom this site tells how everything stands. */
  readonly bulletins?: BulletinsConfig;
  /** What it lets others have run here. */
  readonly orders?: OrdersConfig;
  /** Where it is seen how many sites stand. */
  readonly console?: ConsoleConfig;
  /** The catalog's file when the file names one. */
  readonly catalog?: string;
  /** What is allowed but unwise, such as a secret that others can read. */
  readonly warnings: readonly string[];
}

export interface RepositoryConfig {
  readonly name: string;
  readonly store: StoreConfig;
  readonly password: Secret;
  readonly compression: 'off' | 'fast' | 'default' | 'max';
  /** Open and compare each new blob before its pack is stored. */
  readonly verifyWrites: boolean;
  /** KiB per second; absent is unlimited. */
  readonly limitUpload?: number | undefined;
  readonly limitDownload?: number | undefined;
}

/** One job. Each name in it is a name in the configuration. */
export type JobConfig = Job & { readonly name: string };

/** Reads the file that is named ('-' is standard input), or the first of the usual ones. CONFIG_INVALID names every mistake, each on a line of its own. */
export const loadConfig = async (path?: string, env: Environment = process.env): Promise<Config> => {
  const file = requireConfigFile(path, env);
  const { parseConfig } = await import('./parse.ts'); // with all of YAML, which nobody without a file needs
  const text = await readConfigFile(file);
  const result = parseConfig(text, env);
  if ('mistakes' in result) throw invalid(file, result.mistakes);
  const config = configOf(file, result.values);
  return { ...config, warnings: warningsFor(config, text, file === '-' ? 0o600 : (await stat(file)).mode) };
};

/** The repository of that name; USAGE with the nearest name when there is none. Likewise for sources, notifiers and jobs. */
export const repositoryNamed = (config: Config, name: string): RepositoryConfig =>
  config.repositories.get(name) ?? unknownName(config.file, 'repository', name, config.repositories);

export const sourceNamed = (config: Config, name: string): SourceConfig =>
  config.sources.get(name) ?? unknownName(config.file, 'source', name, config.sources);

export const notifierNamed = (config: Config, name: string): NotifierConfig =>
  config.notifiers.get(name) ?? unknownName(config.file, 'notifier', name, config.notifiers);

export const jobNamed = (config: Config, name: string): JobConfig =>
  config.jobs.get(name) ?? unknownName(config.file, 'job', name, config.jobs);

/** CONFIG_INVALID where no sites are looked at. */
export const consoleOf = ({ file, console }: Config): ConsoleConfig => {
  if (console !== undefined) return console;
  throw new HoldfastError('CONFIG_INVALID', `${file} has no "console"`, {
    hint: 'it says where the sites put their bulletins, and what opens them: see docs/console.md',
  });
};

const readConfigFile = async (file: string): Promise<string> => {
  const bytes = await readBytes(file);
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  throw new HoldfastError('CONFIG_INVALID', `${file} is not a text in UTF-8`, {
    hint: 'let the editor save it as UTF-8: as anything else, names and passwords in it would be others',
  });
};

const readBytes = async (file: string): Promise<Buffer> => {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `cannot read the configuration: ${messageOf(cause)}`, {
      cause,
    });
  }
};

const invalid = (file: string, mistakes: readonly Mistake[]): HoldfastError => {
  const lines = mistakes.map((mistake) => formatMistake(file, mistake));
  if (lines.length > 1) lines.unshift(`${lines.length} mistakes in the configuration`);
  return new HoldfastError('CONFIG_INVALID', lines.join('\n'), {
    hint: 'docs/configuration.md describes every key; "holdfast config schema" lets an editor complete them',
  });
};

const configOf = (file: string, values: FileValues): Omit<Config, 'warnings'> => ({
  file,
  repositories: withNames(values.repositories, (repository, name) => ({ ...repository, name })),
  sources: withNames(values.sources, (source, name) => ({ ...source, name })),
  notifiers: withNames(values.notifiers, (notifier, name) => ({ ...notifier, name })),
  jobs: withNames(values.jobs, (job, name) => ({ ...job, name })),
  daemon: values.daemon,
  ...(values.logs !== undefined && { logs: values.logs }),
  ...(values.catalog !== undefined && { catalog: values.catalog }),
  ...(values.site !== undefined && { site: values.site }),
  ...(values.bulletins !== undefined && { bulletins: values.bulletins }),
  ...(values.orders !== undefined && { orders: values.orders }),
  ...(values.console !== undefined && { console: values.console }),
});

const withNames = <Value, Named>(
  values: Readonly<Record<string, Value>>,
  give: (value: Value, name: string) => Named,
): ReadonlyMap<string, Named> =>
  new Map(Object.entries(values).map(([name, value]) => [name, give(value, name)]));

const unknownName = (
  file: string,
  what: string,
  name: string,
  known: ReadonlyMap<string, unknown>,
): never => {
  const names = [...known.keys()];
  throw new HoldfastError('USAGE', `${file} has no ${what} called "${name}"${didYouMean(name, names)}`, {
    hint: names.length > 0 ? `it has ${names.join(', ')}` : `it has no ${what} at all`,
  });
};
