// Rows as text: CSV (RFC 4180) or JSON lines.
import type { RowColumn as Column, RowValues } from '#sources/source.ts';

type RowColumn = Pick<Column, 'name' | 'json'>;

export interface CsvDialect {
  readonly delimiter: string;
  readonly header: boolean;
  readonly lineEnd: 'crlf' | 'lf';
  /** What stands where there is no value; never in quotes, so that no text is taken for it. */
  readonly nullText: string;
  /** Every text in quotes, needed or not. */
  readonly quoteAll: boolean;
}

export type RowFormat = { readonly kind: 'csv'; readonly csv: CsvDialect } | { readonly kind: 'jsonl' };

export interface RowText {
  /** What a file begins with. */
  readonly head: string;
  line(values: RowValues): string;
}

/** The text of rows with these columns; further values of a row are left out. */
export const rowText = (format: RowFormat, columns: readonly RowColumn[]): RowText =>
  format.kind === 'csv'
    ? csvText(format.csv, columns)
    : { head: '', line: (values) => jsonLine(columns, values) };

const csvText = (dialect: CsvDialect, columns: readonly RowColumn[]): RowText => {
  const { delimiter, header, lineEnd, nullText, quoteAll } = dialect;
  const end = lineEnd === 'crlf' ? '\r\n' : '\n';
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const field = (text: string | null): string => {
    if (text === null) return nullText;
    const needs = text === '' || text === nullText || /["\r\n]/.test(text) || text.includes(delimiter);
    // Some readers take off blanks that are not inside of quotes.
    return quoteAll || needs || /^\s|\s$/.test(text) ? quoted(text) : text;
  };
  const line = (values: RowValues): string =>
    columns.map((_, at) => field(values[at] ?? null)).join(delimiter) + end;
  return { head: header ? line(columns.map(({ name }) => name)) : '', line };
};

const jsonLine = (columns: readonly RowColumn[], values: RowValues): string => {
  const fields = columns.map(
    (column, at) => `${JSON.stringify(column.name)}:${jsonValue(column, values[at] ?? null)}`,
  );
  return `{${fields.join(',')}}\n`;
};

const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** Numbers keep all their digits; what JSON has no number for (NaN, 007) is a text. */
const jsonValue = ({ json }: RowColumn, text: string | null): string => {
  if (text === null) return 'null';
  if (json === 'number' && number.test(text)) return text;
  if (json === 'boolean' && (text === 'true' || text === 'false')) return text;
  // Line breaks in JSON stand between its parts only.
  if (json === 'json' && isJson(text)) return text.replaceAll(/[\r\n]+/g, ' ');
  return JSON.stringify(text);
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
