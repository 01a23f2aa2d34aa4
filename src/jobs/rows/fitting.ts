// Which rows have what is asked for in their columns.
import { bufferOf } from '#lib/buffer-of.ts';
import { printable } from '#lib/format.ts';
import type { RowShape, RowValues, TableReader } from '#sources/table-reader.ts';

/** A value for each column that must have it. */
export type ColumnValues = ReadonlyMap<string, string>;

/** The values of a row that fits; undefined for one that does not, often without taking it apart. */
export const fitting = (
  wanted: ColumnValues,
  { isPlain }: TableReader,
  shape: RowShape,
): ((row: Uint8Array) => RowValues | undefined) => {
  const { valuesOf, spelledOtherwise } = shape;
  const plain = [...wanted].filter(([column]) => isPlain && !spelledOtherwise?.has(column));
  const words = plainWords(plain.map(([, value]) => value));
  const isText = textsWithBreaks(wanted, shape);
  return (row) => {
    const bytes = bufferOf(row);
    if (words.some((word) => !bytes.includes(word))) return undefined;
    const values = valuesOf(bytes);
    const fits = [...wanted].every(
      ([column, value]) =>
        isValue(values.get(column), value) || (values.has(column) && isText(bytes, column)),
    );
    return fits ? values : undefined;
  };
};

/**
 * Whether a column has the text that is wanted with a line break in it, or with one spelled out. How an engine writes such a text is
 * often not what anybody would give: SQLite's is `replace('two\\nlines','\\n',char(10))`.
 */
const textsWithBreaks = (
  wanted: ColumnValues,
  { sqlReader }: RowShape,
): ((row: Buffer, column: string) => boolean) => {
  const columns = [...wanted].filter(([, value]) => /[\n\\]/.test(value)).map(([column]) => column);
  const textsOf = sqlReader(columns);
  return (row, column) => {
    if (!columns.includes(column)) return false;
    const text = textsOf(row)[columns.indexOf(column)];
    return typeof text === 'string' && [text, printable(text)].includes(wanted.get(column) ?? '');
  };
};

/** The values that every engine writes as they are: a row without their bytes cannot fit, and need not be taken apart. */
const plainWords = (values: readonly string[]): Buffer[] =>
  values
    .filter((value) => /^(?!0x)[\w .-]+$/.test(value) && value !== shownNull)
    .map((value) => Buffer.from(value));

/** As the engine writes it, as it is shown, or as people do: without quotes. */
const isValue = (value: string | null | undefined, wanted: string): boolean => {
  if (value === undefined) return false;
  if (value === null) return wanted === shownNull;
  const inQuotes = `'${wanted.replaceAll("'", "''")}'`;
  return (
    value === wanted ||
    value === inQuotes ||
    value === JSON.stringify(wanted) ||
    (wanted.includes('\\') && printable(value) === wanted) ||
    (needsQuotes(value) && wanted === `'${value}'`)
  );
};

/** How no value is shown, and one that is not there. */
export const shownNull = 'NULL';
export const shownNone = '(none)';

/** Texts that would read as one of these, or as nothing. */
export const needsQuotes = (text: string): boolean => text === '' || text === shownNull || text === shownNone;
