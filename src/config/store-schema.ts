// A store in the file: a folder or URL as `-r` takes it, or `{ kind: …, … }`.
import { z } from 'zod';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { ofKind } from '#lib/kind-registry.ts';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import { whereIn } from '#stores/apart.ts';
import { keepsRepositoriesOnly, type StoreConfig, storeFromUrl, storeKinds } from '#stores/registry.ts';
import { isMapping } from './names.ts';

/** For a repository. */
export const storeSchema = () => schemaFor(storeKinds, (schema) => schema);

/** For plain files, which not every kind of store takes. */
export const fileStoreSchema = () => {
  const kinds = new Map([...storeKinds].filter(([kind]) => !keepsRepositoriesOnly({ kind })));
  return schemaFor(kinds, (schema) =>
    schema.refine((store) => !keepsRepositoriesOnly(store), {
      error: `keeps repositories and no plain files; what keeps them is ${[...kinds.keys()].join(', ')}`,
    }),
  );
};

/** A value of any kind is understood, so that one that does not fit can be told why; offered are these kinds. */
const schemaFor = (
  offered: typeof storeKinds,
  restrict: (schema: z.ZodType<StoreConfig>) => z.ZodType<StoreConfig>,
) => {
  const byKind = ofKind(storeKinds);
  const byUrl = z
    .string()
    .min(1)
    .transform((url, context): StoreConfig => {
      try {
        return storeFromUrl(url);
      } catch (error) {
        const hint = error instanceof HoldfastError && error.hint ? `; ${error.hint}` : '';
        context.addIssue({ code: 'custom', message: `${messageOf(error)}${hint}` });
        return z.NEVER;
      }
    });
  const forms = () => [byUrl, ofKind(offered)].map(jsonSchemaOf);
  return parseBy<StoreConfig>(forms, (value) => {
    if (value === undefined || isMapping(value)) return { schema: restrict(byKind), value };
    if (typeof value === 'string') return { schema: restrict(byUrl), value };
    return { issues: [{ code: 'custom', message: 'must be a folder, a URL or { kind: … }', input: value }] };
  });
};

/** What is wrong with a store that must not be another one, nor lie in it; undefined when they are apart. */
export const flawIn = (inner: StoreConfig, outer: StoreConfig, what: string): string | undefined => {
  const where = whereIn(inner, outer);
  return where && `${what}, and this is ${where}`;
};

/** Complains of each store that is the same place as one before it. */
export const refuseSamePlace = (stores: readonly StoreConfig[], context: z.core.$RefinementCtx): void => {
  for (const [index, store] of stores.entries())
    if (stores.slice(0, index).some((before) => whereIn(store, before) === 'the same place'))
      context.addIssue({ code: 'custom', path: [index], message: 'this place is here twice' });
};
