// The kinds of one sort of plug by name, each with its configuration's type sealed in.
import { z } from 'zod';
import { HoldfastError } from './errors.ts';
import type { Context, Kind } from './kind.ts';
import { didYouMean } from './nearest.ts';
import { type JsonSchema, jsonSchemaOf, parseBy } from './parse-by.ts';

/** A kind together with its configuration: all that is needed to open it. As JSON it is what stands in the file. */
export interface Configured<Opened> {
  readonly kind: string;
  /** As the kind's schema made it; secrets are `Secret`s. */
  readonly config: unknown;
  /** See Kind; absent where the configuration alone does not tell. */
  readonly location?: string;
  /** See Kind. */
  readonly load?: () => Promise<unknown>;
  open(context: Context): Promise<Opened>;
  toJSON(): Record<string, unknown>;
}

export interface RegisteredKind<Opened> {
  readonly name: string;
  /** Other names for `kind:`. */
  readonly aliases: readonly string[];
  readonly schemes: readonly string[];
  /** Of the configuration without `kind`. */
  readonly schema: z.ZodType<Configured<Opened>>;
  readonly fromUrl?: (url: string) => Configured<Opened>;
}

export type KindRegistry<Opened> = ReadonlyMap<string, RegisteredKind<Opened>>;

/** Makes a kind fit to lie beside others in one registry. */
export const register = <Config, Opened>(kind: Kind<Config, Opened>): RegisteredKind<Opened> => {
  const { fromUrl } = kind;
  const configure = (config: Config): Configured<Opened> => ({
    kind: kind.name,
    config,
    ...(kind.locationOf && { location: kind.locationOf(config) }),
    ...(kind.load && { load: kind.load }),
    open: (context) => kind.open(config, context),
    toJSON: () => ({ kind: kind.name, ...config }),
  });
  return {
    name: kind.name,
    aliases: kind.aliases ?? [],
    schemes: fromUrl ? [kind.name, ...(kind.schemes ?? [])] : [],
    schema: kind.config.transform(configure),
    ...(fromUrl && { fromUrl: (url: string) => configure(fromUrl(url)) }),
  };
};

export const registry = <Opened>(...kinds: readonly RegisteredKind<Opened>[]): KindRegistry<Opened> =>
  new Map(kinds.map((kind) => [kind.name, kind]));

/** A zod schema for `{ kind: <one of the registry>, … }`, where the kind's own schema judges the rest. */
export const ofKind = <Opened>(kinds: KindRegistry<Opened>): z.ZodType<Configured<Opened>> => {
  const byAnyName = new Map([...kinds.values()].flatMap((kind) => namesOf(kind).map((name) => [name, kind])));
  const mapping = z.looseObject({ kind: z.enum([...byAnyName.keys()]) });
  return parseBy(
    () => [...kinds.values()].map(withKind),
    (value) => {
      const result = mapping.safeParse(value);
      if (!result.success) return { issues: result.error.issues as z.core.$ZodRawIssue[] };
      const { kind, ...config } = result.data;
      return { schema: byAnyName.get(kind)?.schema ?? z.never(), value: config };
    },
  );
};

const namesOf = ({ name, aliases }: RegisteredKind<unknown>): string[] => [name, ...aliases];

/** The kind that a URL's scheme names, with the configuration the URL stands for; USAGE with the known schemes otherwise. */
export const configuredByUrl = <Opened>(
  kinds: KindRegistry<Opened>,
  url: string,
  scheme: string,
): Configured<Opened> => {
  if (url === '' || url.toLowerCase() === `${scheme}:`)
    throw new HoldfastError('USAGE', `"${url}" names no place`, { hint: 'give a path or a URL' });
  const kind = [...kinds.values()].find(({ schemes }) => schemes.includes(scheme));
  if (kind?.fromUrl) return kind.fromUrl(url);
  const known = [...kinds.values()].flatMap(({ schemes }) => schemes);
  throw new HoldfastError('USAGE', `unknown scheme "${scheme}"${didYouMean(scheme, known)}`, {
    hint: `known are ${known.join(', ')}; write a path that holds a colon as ./${scheme}:…`,
  });
};

/** The scheme of a URL, in lower case; undefined for a path, which on Windows may begin with the letter of a drive. */
export const schemeOf = (url: string): string | undefined =>
  /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase();

const withKind = (kind: RegisteredKind<unknown>): JsonSchema => {
  const { properties, required, ...rest } = jsonSchemaOf(kind.schema);
  return {
    ...rest,
    properties: { kind: { ...nameSchema(kind), description: 'What it is.' }, ...properties },
    required: ['kind', ...(required ?? [])],
  };
};

const nameSchema = (kind: RegisteredKind<unknown>): JsonSchema =>
  kind.aliases.length === 0 ? { const: kind.name } : { enum: namesOf(kind) };
