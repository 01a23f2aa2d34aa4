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
  const used = columns
    .map((column, at) => ({ ...column, cells: rows.map((row) => printable(row[at] ?? '')) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
    .map((column) => ({ ...column, width: Math.max(...[column.title, ...column.cells].map(displayWidth)) }));
  const line = (cellOf: (column: (typeof used)[number]) => string): string =>
    used
      .map((column) => {
        const cell = cellOf(column);
        const gap = ' '.repeat(column.width - displayWidth(cell));
        return column.align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [line(({ title }) => title), ...rows.map((_, at) => line(({ cells }) => cells[at] ?? ''))];
};

const two = (value: number): string => String(value).padStart(2, '0');
