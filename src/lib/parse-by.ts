// Schemas that choose another schema by looking at the value, as `kind:` chooses a kind's.
import { z } from 'zod';

/**
 * A zod schema that hands each value to the schema `choose` picks for it, or to the issues it answers with instead.
 * Unlike a union, only the chosen schema's complaints are reported. `forms` are what it may be in the JSON Schema.
 */
export const parseBy = <Output>(
  forms: () => readonly JsonSchema[],
  choose: (value: unknown) => Choice<Output>,
): z.ZodType<Output> =>
  z
    .unknown()
    .transform((value, context): Output => {
      const choice = choose(value);
      if ('issues' in choice) {
        context.issues.push(...choice.issues);
        return z.NEVER;
      }
      const result = choice.schema.safeParse(choice.value);
      if (result.success) return result.data;
      // A finished issue is a raw one with its message made.
      context.issues.push(...(result.error.issues as z.core.$ZodRawIssue[]));
      return z.NEVER;
    })
    .meta(lazily(() => ({ anyOf: [...forms()] })));

export type Choice<Output> =
  | { readonly schema: z.ZodType<Output>; readonly value: unknown }
  | { readonly issues: readonly z.core.$ZodRawIssue[] };

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Metadata that are made when they are looked at: every command reads the configuration, and hardly one a JSON Schema. */
export const lazily = (make: () => JsonSchema): JsonSchema => {
  let made: JsonSchema | undefined;
  const schema = (): JsonSchema => {
    made ??= make();
    return made;
  };
  return new Proxy<JsonSchema>(
    {},
    {
      has: (_, key) => key !== 'id' && Reflect.has(schema(), key), // zod asks each for an id when it is made
      get: (_, key) => Reflect.get(schema(), key),
      ownKeys: () => Reflect.ownKeys(schema()),
      getOwnPropertyDescriptor: (_, key) => Reflect.getOwnPropertyDescriptor(schema(), key),
    },
  );
};

/** What the JSON Schema of a schema says of what is written (not of what it becomes), fit to lie inside another. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
};
