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
  assert.deepEqual(complaints(databases, 'al'), ['must be all or a list, not "al"; did you mean "all"?']);
  assert.deepEqual(complaints(databases, 7), ['must be all or a list, not a number']);
});

test('a value that fits one form but for a detail is told the detail', () => {
  const databases = z.union([z.literal('all'), z.array(z.string()).min(1)]);
  assert.deepEqual(complaints(databases, []), ['must not be empty']);
  assert.deepEqual(complaints(databases, ['a', null]), ['1: must be a text, not nothing']);
  const duration = z.union([z.number(), z.string().regex(/^\d+s$/, { error: 'must be like 10s' })]);
  assert.deepEqual(complaints(duration, '10'), ['must be like 10s']);
});

test('a list that fits no form is told what it lacks of the form that its beginning has', () => {
  const commands = z.union([
    z.string(),
    z.array(z.string()).min(1),
    z.strictObject({ command: z.string() }),
    z.array(z.strictObject({ command: z.string() })).min(1),
  ]);
  assert.deepEqual(complaints(commands, []), ['must not be empty']);
  assert.deepEqual(complaints(commands, ['echo', { command: 'x' }]), ['1: must be a text, not a mapping']);
  assert.deepEqual(complaints(commands, [{ command: 'x' }, 'echo']), ['1: must be a mapping, not a text']);
  assert.deepEqual(complaints(commands, [{ comand: 'x' }]), [
    '0: comand: unknown key; did you mean "command"?',
  ]);
});

test('a whole number is not asked for in quotes', () => {
  const count = z.union([z.int().min(1), z.literal('unlimited')]);
  assert.deepEqual(complaints(count, 1.5), [
    'must be a whole number or unlimited, not a number with a fraction',
  ]);
  assert.deepEqual(complaints(count, 0), ['must be at least 1']);
});

test('numbers beyond their bounds are told the bound', () => {
  const port = z.strictObject({ port: z.number().int().min(1).max(65535) });
  assert.deepEqual(complaints(port, { port: 0 }), ['port: must be at least 1']);
  assert.deepEqual(complaints(port, { port: 70_000 }), ['port: must be at most 65535']);
  assert.deepEqual(complaints(port, { port: 1.5 }), [
    'port: must be a whole number, not a number with a fraction',
  ]);
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
