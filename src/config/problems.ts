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

/** One that a part of the configuration finds in itself: the path is below that part. */
export type Flaw = Pick<Problem, 'path' | 'message'>;

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
  if (issue.code === 'invalid_key')
    return [{ path, part: 'key', message: issue.issues[0]?.message ?? issue.message }];
  if (value === undefined) return [missingKey(path, judged)];
  if (issue.code === 'invalid_type') return ofValue(wrongType(issue.expected, value));
  if (issue.code === 'invalid_value') return ofValue(wrongValue(issue.values, value));
  if (issue.code === 'invalid_union') return problemsOfUnion(issue.errors, path, judged);
  if (issue.code === 'too_small' && Number(issue.minimum) === 1 && typeof value !== 'number')
    return ofValue('must not be empty');
  if ((issue.code === 'too_small' || issue.code === 'too_big') && typeof value === 'number')
    return ofValue(beyond(issue));
  return ofValue(issue.message.charAt(0).toLowerCase() + issue.message.slice(1));
};

/** The complaint of the one form that was meant; when none stands out, all forms are named. */
const problemsOfUnion = (forms: readonly (readonly Issue[])[], path: Path, judged: Judged): Problem[] => {
  const value = valueAt(judged.root, path);
  const possible = forms.filter((issues) => !issues.some(isOfWholeValue));
  const fewest = Math.min(...possible.map(unknownKeysIn));
  const likely = possible.filter((issues) => unknownKeysIn(issues) === fewest);
  const [meant, other] = Array.isArray(value) ? possible.toSorted(byFirstItem).slice(0, 1) : likely;
  if (meant && !other) return meant.flatMap((issue) => problemsOfIssue(issue, path, judged));
  const known = keysAt(judged.schema, judged.root, path);
  const unknown = isMapping(value) ? Object.keys(value).filter((key) => !known.includes(key)) : [];
  if (unknown.length > 0 && meant) return unknown.map((key) => unknownKey(path, key, judged));
  const choice = describeForms(judged.schema, judged.root, path);
  const instead = meant ? 'and nothing beside it' : `not ${insteadOf(choice, value)}`;
  const message = `must be ${choice}, ${instead}`;
  return [{ path, part: 'value', message }];
};

/** What stands there. A text is repeated where only certain words or lists may stand: in the place of a mapping it may be its secret. */
const insteadOf = (choice: string, value: unknown): string => {
  if (choice.includes('a text')) return `${whatItIs(value)}${remedyFor('string', value)}`;
  return typeof value === 'string' && !choice.includes('{')
    ? `"${value}"${didYouMean(value, choice.split(/, | or /))}`
    : whatItIs(value);
};

/** Of lists, the form that suits the first items: what is said is then of the first item that is unlike them. */
const byFirstItem = (a: readonly Issue[], b: readonly Issue[]): number => firstUnlike(b) - firstUnlike(a);

/** An item of the wrong type is less like the form than one with a mistake in it. */
const firstUnlike = (issues: readonly Issue[]): number =>
  Math.min(
    ...issues.map(({ code, path: [item = -1, ...inItem] }) =>
      code === 'invalid_type' && inItem.length === 0 ? Number(item) : Number(item) + 0.5,
    ),
  );

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
  `must be ${typeNames[expected] ?? expected}, not ${whatItIs(value)}${remedyFor(expected, value)}`;

const beyond = (issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string => {
  const [bound, reach] =
    issue.code === 'too_small' ? [issue.minimum, 'at least'] : [issue.maximum, 'at most'];
  if (issue.inclusive === false)
    return `must be ${issue.code === 'too_small' ? 'more' : 'less'} than ${bound}`;
  return `must be ${reach} ${bound}`;
};

const wrongValue = (values: readonly unknown[], value: unknown): string => {
  const choice = values.map(String);
  const found = typeof value === 'string' ? `"${value}"${didYouMean(value, choice)}` : whatItIs(value);
  return `must be ${choice.length > 1 ? 'one of ' : ''}${choice.join(', ')}, not ${found}`;
};

/** What turns the value into what is expected, as far as a word does. */
const remedyFor = (expected: string, value: unknown): string => {
  if (expected === 'array' && typeof value === 'string') return '; in brackets it is one: [ … ]';
  const looksLikeOne = typeof value === 'number' || typeof value === 'boolean';
  return expected === 'string' && looksLikeOne ? '; a text that looks like one needs quotes' : '';
};

const whatItIs = (value: unknown): string => {
  if (value === null) return 'nothing';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value))
    return 'a number with a fraction';
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
