// Names of repositories, sources, notifiers and jobs, and how a job refers to them.
import { z } from 'zod';
import { anyOf } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import { canDo, whoCan } from '#sources/abilities.ts';
import type { Ability } from '#sources/source.ts';
import type { Problem } from './problems.ts';

/** A name may stand in a path, where a part has 255 bytes and more is added to some, a tag and a command line without quotes. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** What a job can refer to: the names the file gives, valid or not, so that each mistake is reported once. */
export interface Names {
  readonly repositories: readonly string[];
  readonly sources: readonly string[];
  readonly notifiers: readonly string[];
  readonly jobs: readonly string[];
  /** What this site is called, where the file says so. */
  readonly site?: string | undefined;
  /** The kind of a source; undefined where the file gives none that there is. */
  kindOf(source: string): string | undefined;
  /** The keys that the file gives for a source, valid or not. */
  keysOf(source: string): readonly string[];
  /** What a job backs up; undefined for one that does something else, or that the file does not give. */
  backupOf(job: string): { readonly sources: readonly string[]; readonly isPartial: boolean } | undefined;
}

/** Those of a file without any. */
export const noNames: Names = {
  repositories: [],
  sources: [],
  notifiers: [],
  jobs: [],
  kindOf: () => undefined,
  keysOf: () => [],
  backupOf: () => undefined,
};

/** One of the names that the file gives; `what` is 'source', 'repository', 'notifier' or 'job'. */
export const reference = (what: string, names: readonly string[]) =>
  z.string().refine((name) => names.includes(name), { error: ({ input }) => unknown(what, input, names) });

/** One of the sources, of a kind that has the ability. */
export const sourceWith = (ability: Ability, names: Names) =>
  reference('source', names.sources).superRefine((name, context) => {
    const message = lackOf(ability, name, names);
    if (message !== undefined) context.addIssue({ code: 'custom', message: `must be ${message}` });
  });

/** 'a source of kind postgres, and "shop" is of kind mysql', where a source is of a kind that lacks the ability. */
export const lackOf = (ability: Ability, source: string, { kindOf, keysOf }: Names): string | undefined => {
  const kind = kindOf(source);
  if (kind === undefined || canDo(kind, ability, keysOf(source))) return undefined;
  return `a source of kind ${anyOf(whoCan(ability))}, and "${source}" is of kind ${kind}`;
};

/** One or more of them, each once. */
export const references = (what: string, names: readonly string[]) => eachOnce(reference(what, names));

export const eachOnce = (name: z.ZodType<string>) =>
  z
    .array(name)
    .min(1)
    .superRefine((list, context) => refuseTwice(list, (one) => one, context));

/** Complains of each item whose name was there before. */
export const refuseTwice = <Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  context: z.core.$RefinementCtx,
  path: readonly string[] = [],
): void => {
  const names = items.map(nameOf);
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index)
      context.addIssue({ code: 'custom', path: [...path, index], message: `"${name}" is here twice` });
};

/** A mapping from names to what they name. The names themselves are judged by `badNames`, so that what they name is, too. */
export const named = <Value>(value: z.ZodType<Value>) =>
  z
    .record(z.string(), value)
    .default({})
    .meta({ propertyNames: { pattern: namePattern.source } });

/** The names in the file's sections that are not fit to be one. */
export const badNames = (sections: Readonly<Record<string, unknown>>): Problem[] =>
  ['repositories', 'sources', 'notifiers', 'jobs'].flatMap((section) =>
    namesIn(sections[section])
      .filter((name) => !namePattern.test(name))
      .map((name) => ({ path: [section, name], part: 'key', message: nameRule })),
  );

export const nameRule =
  'a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most';

/** The keys of a value that should be a mapping; none when it is not. */
export const namesIn = (value: unknown): string[] => (isMapping(value) ? Object.keys(value) : []);

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const unknown = (what: string, name: unknown, names: readonly string[]): string => {
  const plural = what === 'repository' ? 'repositories' : `${what}s`;
  const known = names.length > 0 ? `${plural} are ${someOf(names)}` : `the file has no ${plural}`;
  return `no ${what} is called "${name}"${didYouMean(String(name), names) || `; ${known}`}`;
};

/** Of thousands of names, each of thousands of mistakes would repeat them all. */
const someOf = (names: readonly string[]): string =>
  names.length <= namesAtMost
    ? names.join(', ')
    : `${names.slice(0, namesAtMost).join(', ')} and ${names.length - namesAtMost} more`;

const namesAtMost = 30;

/** What may be said in short, by its name, or at length, as a mapping. */
export const shortOrLong = <Output>(short: z.ZodType<Output>, long: z.ZodType<Output>): z.ZodType<Output> =>
  parseBy<Output>(
    () => [short, long].map(jsonSchemaOf),
    (value) => ({ schema: isMapping(value) ? long : short, value }),
  );
