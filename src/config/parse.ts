// A text → the file's values, or all its mistakes.
import { jsonSchemaOf } from '#lib/parse-by.ts';
import { kindNamed } from '#sources/abilities.ts';
import { type Mistake, parseYaml } from './document.ts';
import { type FileValues, fileSchema } from './file-schema.ts';
import type { Environment } from './interpolate.ts';
import { flawsTogether } from './jobs-together.ts';
import { badNames, isMapping, namesIn } from './names.ts';
import { type Problem, problemsOf } from './problems.ts';

/** The values that a text stands for, or its mistakes in the order of the text, at most one at each place. */
export const parseConfig = (
  text: string,
  env: Environment,
): { readonly values: FileValues } | { readonly mistakes: readonly Mistake[] } => {
  const { value, mistakes: inText, positionOf } = parseYaml(text, env);
  const mistakes: Mistake[] = [...inText];
  if (value === undefined) return { mistakes: inOrder(mistakes) };
  if (value === null) return { mistakes: [{ line: 1, column: 1, path: [], message: 'the file is empty' }] };

  const sections = isMapping(value) ? value : {};
  const schema = fileSchema({
    repositories: namesIn(sections.repositories),
    sources: namesIn(sections.sources),
    notifiers: namesIn(sections.notifiers),
    jobs: namesIn(sections.jobs),
    site: typeof sections.site === 'string' ? sections.site : undefined,
    kindOf: (source) => kindNamed(valuesOf(sections.sources, source).kind),
    keysOf: (source) => Object.keys(valuesOf(sections.sources, source)),
    backupOf: (job) => {
      const one = valuesOf(sections.jobs, job);
      if (one.backup === undefined) return undefined;
      const named = [one.backup].flat().filter((source) => typeof source === 'string');
      return { sources: [...new Set(named)], isPartial: one.partial !== undefined };
    },
  });
  const result = schema.safeParse(value);
  const unread = new Set(inText.map(({ path }) => JSON.stringify(path)));
  const problems: Problem[] = [
    ...badNames(sections),
    ...(result.success ? [] : problemsOf(result.error.issues, { root: value, schema: jsonSchemaOf(schema) })),
  ].filter(({ path }) => !unread.has(JSON.stringify(path)));
  mistakes.push(...problems.map(({ path, part, message }) => ({ ...positionOf(path, part), path, message })));
  const whole = result.success ? result.data : schema.safeParse(withoutJobsOf(problems, sections)).data;
  if (whole && inText.length === 0)
    mistakes.push(...flawsTogether(whole).map((flaw) => ({ ...positionOf(flaw.path, 'value'), ...flaw })));
  return result.success && mistakes.length === 0 ? { values: result.data } : { mistakes: inOrder(mistakes) };
};

/** What a section says of one of its names. */
const valuesOf = (section: unknown, name: string): Readonly<Record<string, unknown>> => {
  const values = isMapping(section) ? section[name] : undefined;
  return isMapping(values) ? values : {};
};

/** The file without the jobs in which there are mistakes: what is wrong with others beside one another is told with these. */
const withoutJobsOf = (problems: readonly Problem[], file: Readonly<Record<string, unknown>>): unknown => {
  const spoilt = new Set(problems.map(({ path: [section, name] }) => section === 'jobs' && name));
  const jobs = Object.entries(isMapping(file.jobs) ? file.jobs : {}).filter(([name]) => !spoilt.has(name));
  return { ...file, jobs: Object.fromEntries(jobs) };
};

const inOrder = (mistakes: readonly Mistake[]): Mistake[] =>
  [
    ...new Map(
      mistakes.toReversed().map((mistake) => [`${mistake.line}:${mistake.column}`, mistake]),
    ).values(),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
