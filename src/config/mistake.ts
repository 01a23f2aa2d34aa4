// A mistake in the file as a line for people.
import type { Mistake, Path } from './document.ts';

/** 'holdfast.yaml:12:5: jobs.nightly.too: unknown key; did you mean "to"?' */
export const formatMistake = (file: string, { line, column, path, message }: Mistake): string =>
  `${file}:${line}:${column}: ${path.length > 0 ? `${formatPath(path)}: ` : ''}${message}`;

/** 'jobs.nightly.to[0]'; a key that is no plain word stands in quotes. */
const formatPath = (path: Path): string =>
  path
    .map((step) =>
      typeof step === 'number' ? `[${step}]` : `.${/^[\w-]+$/.test(step) ? step : JSON.stringify(step)}`,
    )
    .join('')
    .replace(/^\./, '');
