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
    kindOf: (source) => {
      const one = isMapping(sections.sources) ? sections.sources[source] : undefined;
      return isMapping(one) ? kindNamed(one.kind) : undefined;
    },
  });
  const result = schema.safeParse(value);
  const unread = new Set(inText.map(({ path }) => JSON.stringify(path)));
  const problems: Problem[] = [
    ...badNames(sections),
    ...(result.success ? [] : problemsOf(result.error.issues, { root: value, schema: jsonSchemaOf(schema) })),
  ].filter(({ path }) => !unread.has(JSON.stringify(path)));
  mistakes.push(...problems.map(({ path, part, message }) => ({ ...positionOf(path, part), path, message })));
  if (result.success && mistakes.length === 0)
    mistakes.push(
      ...flawsTogether(result.data).map((flaw) => ({ ...positionOf(flaw.path, 'value'), ...flaw })),
    );
  return result.success && mistakes.length === 0 ? { values: result.data } : { mistakes: inOrder(mistakes) };
};

const inOrder = (mistakes: readonly Mistake[]): Mistake[] =>
  [
    ...new Map(
      mistakes.toReversed().map((mistake) => [`${mistake.line}:${mistake.column}`, mistake]),
    ).values(),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
