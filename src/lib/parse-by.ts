// Schemas that choose another schema by looking at the value, as `kind:` chooses a kind's.
import { z } from 'zod';

/**
 * A zod schema that hands each value to the schema `choose` picks for it, or to the issues it answers with instead.
 * Unlike a union, only the chosen schema's complaints are reported. `jsonSchema` is what stands for it in the JSON Schema.
 */
export const parseBy = <Output>(
  jsonSchema: JsonSchema,
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
    .meta(jsonSchema);

export type Choice<Output> =
  | { readonly schema: z.ZodType<Output>; readonly value: unknown }
  | { readonly issues: readonly z.core.$ZodRawIssue[] };

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What the JSON Schema of a schema says of what is written (not of what it becomes), fit to lie inside another. */
export const jsonSchemaOf = (schema: z.ZodType): JsonSchema => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
};
