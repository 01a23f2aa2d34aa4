// A schema's complaints as sentences for the person who wrote the file.
import type { z } from 'zod';
import { didYouMean, nearest } from '#lib/nearest.ts';
import type { JsonSchema } from '#lib/parse-by.ts';
import type { Path } from './document.ts';
import { describeForms, keysAt, valueAt } from './json-schema-at.ts';
import { isMapping } from './names.ts';

export interface Problem {
  readonly path: Path;
  /** Whether the key at the path is meant, or its value. */
  readonly part: 'key' | 'value';
  readonly message: string;
  /** The key that an unknown one was probably meant to be. */
  readonly meant?: string;
  /** The key that the mapping at the path lacks. */
  readonly missing?: string;
}

type Issue = z.core.$ZodIssue;

/** The file's value, and the JSON Schema that knows which keys would have been right in it. */
interface Judged {
  readonly root: unknown;
  readonly schema: JsonSchema;
}

/** What the issues say of the file. A key that is missing because it is misspelt is reported once. */
export const problemsOf = (issues: readonly Issue[], judged: Judged): Problem[] => {
  const problems = issues.flatMap((issue) => problemsOfIssue(issue, [], judged));
  const meant = new Set(problems.map(({ path, meant }) => id([...path.slice(0, -1), meant])));
  return problems.filter(({ path, missing }) => missing === undefined || !meant.has(id([...path, missing])));
};

const id = (path: readonly unknown[]): string => JSON.stringify(path);

const problemsOfIssue = (issue: Issue, base: Path, judged: Judged): Problem[] => {
  const path: Path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  const value = valueAt(judged.root, path);
  const ofValue = (message: string): Problem[] => [{ path, part: 'value', message }];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, judged));
  if (issue.code === 'custom')
    return [{ path, part: issue.params?.at === 'key' ? 'key' : 'value', message: issue.message }];
  if (value === undefined) return [missingKey(path, judged)];
  if (issue.code === 'invalid_type') return ofValue(wrongType(issue.expected, value));
  if (issue.code === 'invalid_value') return ofValue(wrongValue(issue.values, value));
  if (issue.code === 'invalid_union') return problemsOfUnion(issue.errors, path, judged);
  if (issue.code === 'too_small' && Number(issue.minimum) === 1 && typeof value !== 'number')
    return ofValue('must not be empty');
  return ofValue(issue.message.charAt(0).toLowerCase() + issue.message.slice(1));
};

/** The complaint of the one form that was meant; when none stands out, all forms are named. */
const problemsOfUnion = (forms: readonly (readonly Issue[])[], path: Path, judged: Judged): Problem[] => {
  const possible = forms.filter((issues) => !issues.some(isOfWholeValue));
  const fewest = Math.min(...possible.map(unknownKeysIn));
  const [meant, other] = possible.filter((issues) => unknownKeysIn(issues) === fewest);
  if (meant && !other) return meant.flatMap((issue) => problemsOfIssue(issue, path, judged));
  const value = valueAt(judged.root, path);
  const known = keysAt(judged.schema, judged.root, path);
  const unknown = isMapping(value) ? Object.keys(value).filter((key) => !known.includes(key)) : [];
  if (unknown.length > 0 && meant) return unknown.map((key) => unknownKey(path, key, judged));
  const instead = meant ? 'and nothing beside it' : `not ${whatItIs(value)}${quotesFor(value)}`;
  const message = `must be ${describeForms(judged.schema, judged.root, path)}, ${instead}`;
  return [{ path, part: 'value', message }];
};

const unknownKeysIn = (issues: readonly Issue[]): number =>
  issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 0), 0);

const isOfWholeValue = ({ code, path }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');

const unknownKey = (path: Path, key: string, { root, schema }: Judged): Problem => {
  const mapping = valueAt(root, path);
  const known = keysAt(schema, root, path);
  const unused = known.filter((name) => !isMapping(mapping) || !Object.hasOwn(mapping, name));
  const meant = nearest(key, unused);
  const message = `unknown key${didYouMean(key, unused) || `; the keys here are ${known.join(', ')}`}`;
  return { path: [...path, key], part: 'key', message, ...(meant !== undefined && { meant }) };
};

const missingKey = (path: Path, { root, schema }: Judged): Problem => {
  const key = String(path.at(-1) ?? '');
  const form = describeForms(schema, root, path);
  return { path: path.slice(0, -1), part: 'key', message: `"${key}" is missing: ${form}`, missing: key };
};

const wrongType = (expected: string, value: unknown): string =>
  `must be ${typeNames[expected] ?? expected}, not ${whatItIs(value)}${expected === 'string' ? quotesFor(value) : ''}`;

const wrongValue = (values: readonly unknown[], value: unknown): string => {
  const choice = values.map(String);
  const found = typeof value === 'string' ? `"${value}"${didYouMean(value, choice)}` : whatItIs(value);
  return `must be ${choice.length > 1 ? 'one of ' : ''}${choice.join(', ')}, not ${found}`;
};

const quotesFor = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean' ? '; a text that looks like one needs quotes' : '';

const whatItIs = (value: unknown): string => {
  if (value === null) return 'nothing';
  if (typeof value === 'boolean') return String(value);
  return typeNames[Array.isArray(value) ? 'array' : typeof value] ?? typeof value;
};

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};
