// Sources that the command line describes: URLs, folders, and names of the configuration file.
import type { Config } from '#config/config.ts';
import { namePattern } from '#config/names.ts';
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import { type SourceConfig, sourceFromUrl, sourceKinds } from '#sources/registry.ts';
import { flag, list, type OptionValues, value } from './command.ts';
import { isPlace } from './given.ts';
import type { Output } from './output.ts';
import { warnOfPasswordIn } from './password-warning.ts';

/** Restic's options for what to leave out; they hold for folders named on the command line. */
export const fileOptions = {
  exclude: list('-e, --exclude <pattern>', 'leave out files that match'),
  iexclude: list('--iexclude <pattern>', 'the same, upper and lower case being equal'),
  excludeFile: list('--exclude-file <file>', 'leave out what the patterns in a file match'),
  excludeIfPresent: list('--exclude-if-present <name>', 'leave out folders that hold a file of this name'),
  excludeCaches: flag('--exclude-caches', 'leave out folders marked by a CACHEDIR.TAG'),
  excludeLargerThan: value('--exclude-larger-than <size>', 'leave out larger files (500, 10K, 20M, 3G)'),
  oneFileSystem: flag('-x, --one-file-system', 'do not go into other file systems'),
};

type FileOptions = OptionValues<typeof fileOptions>;

export interface AdhocOptions extends FileOptions {
  readonly name: string | undefined;
}

/** The sources that these words stand for, each with a name of its own. */
export const adhocSources = (
  words: readonly string[],
  options: AdhocOptions,
  config: Config | undefined,
  output: Output,
): SourceConfig[] => {
  const sources = words.map((word) => {
    if (config !== undefined && !isPlace(word)) return ofFile(config, word, options);
    warnOfPasswordIn(word, output);
    return withFileOptions(sourceFromUrl(word), options);
  });
  const isFolder = ({ kind }: SourceConfig): boolean => kind === 'files';
  if (Object.keys(givenFileOptions(options)).length > 0 && !sources.some(isFolder))
    throw new HoldfastError('USAGE', 'the --exclude options are for folders, and none is named');
  return named(sources, words, options.name);
};

/** The source of that name; USAGE when there is none, or when options are given that would have to be written there. */
const ofFile = (config: Config, word: string, options: FileOptions): SourceConfig => {
  const source = config.sources.get(word);
  if (source === undefined) {
    const names = [...config.jobs.keys(), ...config.sources.keys()];
    throw new HoldfastError(
      'USAGE',
      `${config.file} has no job or source called "${word}"${didYouMean(word, names)}`,
      {
        hint: `${names.length > 0 ? `it has ${names.join(', ')}; ` : ''}a file or folder is written ./${word}`,
      },
    );
  }
  if (Object.keys(givenFileOptions(options)).length > 0)
    throw new HoldfastError(
      'USAGE',
      `the --exclude options are not for ${word}, which is a source of ${config.file}`,
      {
        hint: 'write them into that file, at the source',
      },
    );
  return source;
};

const withFileOptions = (source: SourceConfig, options: FileOptions): SourceConfig => {
  const extra = givenFileOptions(options);
  if (source.kind !== 'files' || Object.keys(extra).length === 0) return source;
  const { kind, ...plain } = source.toJSON();
  const parsed = sourceKinds.get('files')?.schema.safeParse({ ...plain, ...extra });
  if (parsed?.success) return { ...parsed.data, name: source.name, place: source.place };
  throw new HoldfastError('USAGE', parsed?.error.issues[0]?.message ?? 'these options do not fit together');
};

/** Those of the options that were given. */
export const givenFileOptions = (options: FileOptions): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(fileOptions)
      .map((key) => [key, options[key as keyof FileOptions]] as const)
      .filter(([, option]) => (Array.isArray(option) ? option.length > 0 : Boolean(option))),
  );

const named = (
  sources: readonly SourceConfig[],
  words: readonly string[],
  name: string | undefined,
): SourceConfig[] => {
  if (name !== undefined) return [{ ...onlyOne(sources), name: checkedName(name), place: undefined }];
  for (const [at, source] of sources.entries()) {
    const before = sources.findIndex((other) => other.name === source.name);
    if (before < at)
      throw new HoldfastError(
        'USAGE',
        `${words[before]} and ${words[at]} would both be called "${source.name}"`,
        {
          hint: 'back them up one by one, each with a --name',
        },
      );
  }
  return [...sources];
};

const onlyOne = (sources: readonly SourceConfig[]): SourceConfig => {
  const [only, ...others] = sources;
  if (only !== undefined && others.length === 0) return only;
  throw new HoldfastError('USAGE', '--name is for one source', { hint: 'back them up one by one' });
};

const checkedName = (name: string): string => {
  if (namePattern.test(name)) return name;
  throw new HoldfastError('USAGE', `"${name}" cannot be a name`, {
    hint: 'take letters, digits, dots, dashes and underscores, beginning with a letter or digit',
  });
};
