// The values of a row, as a user gives them, and as a line shows them.
import { needsQuotes, shownNone, shownNull } from '#jobs/rows/fitting.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { RowValues } from '#sources/table-reader.ts';

/** What `--row column=value` says, each time it is given; a column whose name holds '=' stands in double quotes. */
export const columnValues = (given: readonly string[]): Map<string, string> => {
  const values = new Map<string, string>();
  for (const text of given) {
    const [, quoted, bare, value] = /^(?:"((?:[^"]|"")+)"|([^=]+))=(.*)$/s.exec(text) ?? [];
    const column = quoted?.replaceAll('""', '"') ?? bare;
    if (column === undefined || value === undefined || values.has(column))
      throw new HoldfastError(
        'USAGE',
        column === undefined ? `"${text}" is not column=value` : `column ${column} is given twice`,
        { hint: 'say --row once for each column' },
      );
    values.set(column, value);
  }
  return values;
};

/** `shop: public.orders`. */
export const placeOf = ({ database, table }: { readonly database: string; readonly table: string }): string =>
  `${printable(database)}: ${printable(table)}`;

/** `id=17, status=open`. */
export const listedValues = (values: RowValues): string =>
  [...values].map(([name, value]) => `${printable(name)}=${shownValue(value)}`).join(', ');

/** Undefined for a column that is not there. Nobody wants to scroll past a picture; with --json, values are whole. */
export const shownValue = (value: string | null | undefined): string => {
  if (value === undefined) return shownNone;
  if (value === null) return shownNull;
  const text = value.length > mostShown ? `${value.slice(0, mostShown)}…` : value;
  return needsQuotes(text) ? `'${text}'` : printable(text);
};

const mostShown = 60;
