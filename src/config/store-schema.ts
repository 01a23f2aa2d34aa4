// A store in the file: a folder or URL as `-r` takes it, or `{ kind: …, … }`.
import { z } from 'zod';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { ofKind } from '#lib/kind-registry.ts';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import { type StoreConfig, storeFromUrl, storeKinds } from '#stores/registry.ts';
import { isMapping } from './names.ts';

export const storeSchema = () => {
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
  const forms = { anyOf: [jsonSchemaOf(byUrl), jsonSchemaOf(byKind)] };
  return parseBy<StoreConfig>(forms, (value) => {
    if (value === undefined || isMapping(value)) return { schema: byKind, value };
    if (typeof value === 'string') return { schema: byUrl, value };
    return { issues: [{ code: 'custom', message: 'must be a folder, a URL or { kind: … }', input: value }] };
  });
};
