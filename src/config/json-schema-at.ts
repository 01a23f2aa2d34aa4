// What the JSON Schema of the file says of one place in it: which keys may stand there, which forms a value may have.
import type { JsonSchema } from '#lib/parse-by.ts';
import type { Path } from './document.ts';
import { isMapping } from './names.ts';

/** The keys that a mapping at this path may have, given what the file already says (its `kind`, its verb). */
export const keysAt = (schema: JsonSchema, root: unknown, path: Path): string[] => [
  ...new Set(formsAt(schema, root, path).flatMap((form) => Object.keys(form.properties ?? {}))),
];

/** 'a text, { file: … } or { env: … }'. */
export const describeForms = (schema: JsonSchema, root: unknown, path: Path): string => {
  const described = [...new Set(formsAt(schema, root, path).map(describeForm))];
  const last = described.pop() ?? 'a value';
  return described.length > 0 ? `${described.join(', ')} or ${last}` : last;
};

/** The value at a path; undefined when there is none. */
export const valueAt = (root: unknown, path: Path): unknown => path.reduce(step, root);

const step = (value: unknown, key: string | number): unknown => {
  if (Array.isArray(value)) return value[Number(key)];
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
};

const formsAt = (schema: JsonSchema, root: unknown, path: Path): JsonSchema[] => {
  let value = root;
  let forms = fitting(schema, value);
  for (const key of path) {
    value = step(value, key);
    forms = forms.flatMap((form) => below(form, key)).flatMap((form) => fitting(form, value));
  }
  return forms;
};

/** The alternatives of a schema; for a mapping, only those that know most of its keys. */
const fitting = (schema: JsonSchema, value: unknown): JsonSchema[] => {
  if (!schema.anyOf) return [schema];
  const forms = schema.anyOf.flatMap((form) => (typeof form === 'object' ? fitting(form, value) : []));
  if (!isMapping(value)) return forms;
  const best = Math.max(...forms.map((form) => agreement(form, value)));
  return forms.filter((form) => agreement(form, value) === best);
};

/** How well a form suits a mapping: not at all without its first required key (`kind`, a verb), which tells forms apart. */
const agreement = (form: JsonSchema, value: Readonly<Record<string, unknown>>): number => {
  if (form.type !== 'object') return -1;
  const agrees = (form.required ?? []).map((key) => {
    const property = form.properties?.[key];
    const { const: only, enum: several } = typeof property === 'object' ? property : {};
    const allowed: readonly unknown[] | undefined = only === undefined ? several : [only];
    return Object.hasOwn(value, key) && (allowed?.includes(value[key]) ?? true);
  });
  return agrees[0] ? agrees.filter(Boolean).length : 0;
};

const below = (form: JsonSchema, key: string | number): JsonSchema[] => {
  const next = typeof key === 'number' ? form.items : (form.properties?.[key] ?? form.additionalProperties);
  return typeof next === 'object' && !Array.isArray(next) ? [next as JsonSchema] : [];
};

const describeForm = (form: JsonSchema): string => {
  if (form.enum) return form.enum.map(String).join(', ');
  if (form.const !== undefined) return String(form.const);
  if (form.type === 'object')
    return form.required?.length ? `{ ${form.required.map((key) => `${key}: …`).join(', ')} }` : 'a mapping';
  return formNames[String(form.type)] ?? 'a value';
};

const formNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};
