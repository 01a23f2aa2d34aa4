// What a terminal adds to texts as people read them: width, and tables.
import { printable } from '#lib/format.ts';

/** A stopwatch: '0:07', '12:34', '1:02:03'. */
export const formatStopwatch = (ms: number): string => {
  const whole = Math.floor(Math.max(0, ms) / 1000);
  const minutes = Math.floor(whole / 60);
  const tail = `${minutes >= 60 ? two(minutes % 60) : minutes}:${two(whole % 60)}`;
  return minutes >= 60 ? `${Math.floor(minutes / 60)}:${tail}` : tail;
};

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns a text takes in a terminal: East Asian characters and pictures two, combining marks none. */
export const displayWidth = (text: string): number => {
  let width = 0;
  for (const char of text) width += wide.test(char) ? 2 : /\p{Mn}/u.test(char) ? 0 : 1;
  return width;
};

/** The text cut to so many columns, with an ellipsis where something is missing. */
export const fitWidth = (text: string, columns: number): string => {
  if (displayWidth(text) <= columns) return text;
  let kept = '';
  let width = 1;
  for (const char of text) {
    width += displayWidth(char);
    if (width > columns) break;
    kept += char;
  }
  return columns > 0 ? `${kept}…` : '';
};

export interface Column {
  readonly title: string;
  readonly align?: 'right';
}

/**
 * Lines of a table: titles, then rows, columns two spaces apart; the last column is not padded. Cells are made printable,
 * and a column with nothing in it is left out.
 */
export const formatTable = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] => {
  const used = columns.flatMap((column, at) =>
    rows.some((row) => (row[at] ?? '') !== '') ? [{ column, at }] : [],
  );
  const cellsOf = (row: readonly string[]): string[] => used.map(({ at }) => row[at] ?? '');
  const line = tableLine(
    used.map(({ column }) => column),
    rows.map(cellsOf),
  );
  return [line(used.map(({ column }) => column.title)), ...rows.map((row) => line(cellsOf(row)))];
};

/** What makes lines of cells below each other: in columns as wide as their titles and the cells of these rows, or as `widest`. */
export const tableLine = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widest = Number.POSITIVE_INFINITY,
): ((cells: readonly string[]) => string) => {
  const widths = columns.map(({ title }, at) => {
    const cells = rows.map((row) => displayWidth(printable(row[at] ?? '')));
    return Math.min(
      widest,
      cells.reduce((most, width) => Math.max(most, width), displayWidth(title)),
    );
  });
  return (cells) =>
    columns
      .map(({ align }, at) => {
        const cell = printable(cells[at] ?? '');
        const gap = ' '.repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(cell)));
        return align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
};

const two = (value: number): string => String(value).padStart(2, '0');
