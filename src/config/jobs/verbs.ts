// What a job can do. A verb is a file here and a word below.
import type { z } from 'zod';
import { jsonSchemaOf, parseBy } from '#lib/parse-by.ts';
import { isMapping, type Names, namesIn } from '../names.ts';
import { archive } from './archive.ts';
import { backup } from './backup.ts';
import { check } from './check.ts';
import { type CommonKeys, withCommonKeys } from './common.ts';
import { drill } from './drill.ts';
import { exporting } from './export.ts';
import { mirror } from './mirror.ts';
import { receive } from './receive.ts';
import { replicate } from './replicate.ts';

const verbs = { archive, backup, check, drill, export: exporting, mirror, receive, replicate };

export type Verb = keyof typeof verbs;

type VerbKeys = z.output<ReturnType<(typeof verbs)[Verb]>>;

/** A job as the file has it, with its verb told: `job.verb === 'backup'` makes `job.to` known. */
export type Job = VerbKeys & CommonKeys;

/** The schema of one job: that of the one verb it holds. */
export const jobSchema = (names: Names): z.ZodType<Job> => {
  const schemas = new Map<string, z.ZodType<Job>>(
    Object.entries(verbs).map(([verb, schema]) => [verb, withCommonKeys<VerbKeys>(schema(names), names)]),
  );
  const forms = () => [...schemas.values()].map(jsonSchemaOf);
  let keys: ReadonlySet<string> | undefined; // takes milliseconds, and thousands of jobs may ask for it
  const known = () => {
    keys ??= new Set(forms().flatMap(({ properties }) => Object.keys(properties ?? {})));
    return keys;
  };
  return parseBy<Job>(forms, (value) => {
    if (!isMapping(value)) return { issues: [{ code: 'invalid_type', expected: 'object', input: value }] };
    const [verb, second] = namesIn(value).filter((key) => schemas.has(key));
    const schema = schemas.get(verb ?? '');
    if (!schema) return { issues: [withoutVerb(value, known(), [...schemas.keys()])] };
    return second === undefined ? { schema, value } : { issues: [withTwo(value, verb ?? '', second)] };
  });
};

const withTwo = (job: Record<string, unknown>, first: string, second: string): z.core.$ZodRawIssue => ({
  code: 'custom',
  input: job,
  path: [second],
  params: { at: 'key' },
  message: `a job does one thing, and this one already has "${first}"`,
});

const withoutVerb = (
  job: Record<string, unknown>,
  known: ReadonlySet<string>,
  choice: readonly string[],
): z.core.$ZodRawIssue => {
  const keys = namesIn(job).filter((key) => !known.has(key));
  if (keys.length > 0) return { code: 'unrecognized_keys', keys, input: job };
  return { code: 'custom', input: job, message: `does nothing: give it one of ${choice.join(', ')}` };
};
