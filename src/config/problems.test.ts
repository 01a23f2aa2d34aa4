import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { jsonSchemaOf } from '#lib/parse-by.ts';
import { problemsOf } from './problems.ts';

/** What is said of a value that a schema refuses. */
const complaints = (schema: z.ZodType, value: unknown): string[] => {
  const result = schema.safeParse(value);
  const problems = problemsOf(result.error?.issues ?? [], { root: value, schema: jsonSchemaOf(schema) });
  return problems.map(({ path, message }) => [...path, message].join(': '));
};

test('a value that fits no form is told all of them', () => {
  const databases = z.union([z.literal('all'), z.array(z.string()).min(1)]);
  assert.deepEqual(complaints(databases, 'al'), ['must be all or a list, not a text']);
  assert.deepEqual(complaints(databases, 7), [
    'must be all or a list, not a number; a text that looks like one needs quotes',
  ]);
});

test('a value that fits one form but for a detail is told the detail', () => {
  const databases = z.union([z.literal('all'), z.array(z.string()).min(1)]);
  assert.deepEqual(complaints(databases, []), ['must not be empty']);
  assert.deepEqual(complaints(databases, ['a', null]), ['1: must be a text, not nothing']);
  const duration = z.union([z.number(), z.string().regex(/^\d+s$/, { error: 'must be like 10s' })]);
  assert.deepEqual(complaints(duration, '10'), ['must be like 10s']);
});

test('numbers beyond their bounds are told the bound', () => {
  const port = z.strictObject({ port: z.number().int().min(1).max(65535) });
  assert.deepEqual(complaints(port, { port: 0 }), ['port: too small: expected number to be >=1']);
  assert.deepEqual(complaints(port, { port: 70_000 }), ['port: too big: expected number to be <=65535']);
  assert.deepEqual(complaints(port, { port: 1.5 }), ['port: must be a whole number, not a number']);
});

test('keys are suggested by the form that the other keys point to', () => {
  const shapes = z.union([
    z.strictObject({ kind: z.literal('circle'), radius: z.number() }),
    z.strictObject({ kind: z.literal('square'), side: z.number() }),
  ]);
  assert.deepEqual(complaints(shapes, { kind: 'square', sid: 1 }), [
    'sid: unknown key; did you mean "side"?',
  ]);
});
