// The values of a row, as a line shows them.
import { printable } from '#lib/format.ts';
import type { RowValues } from '#sources/table-reader.ts';

/** `id=17, status=open`. */
export const listedValues = (values: RowValues): string =>
  [...values].map(([name, value]) => `${printable(name)}=${shownValue(value)}`).join(', ');

/** Undefined for a column that is not there. Nobody wants to scroll past a picture; with --json, values are whole. */
export const shownValue = (value: string | null | undefined): string => {
  if (value === undefined) return '(none)';
  if (value === null) return 'NULL';
  const text = value.length > mostShown ? `${value.slice(0, mostShown)}…` : value;
  return text === '' || text === 'NULL' || text === '(none)' ? `'${text}'` : printable(text);
};

const mostShown = 60;
