// Large tables in parts that are read side by side. A part is a fixed run of the table's pages, so a part in which no row
// has changed reads the same in the next backup.
import { HoldfastError } from '#lib/errors.ts';
import { quoteIdentifier, quoteLiteral, quoteName } from './identifiers.ts';
import type { ServerFacts, Table } from './listing.ts';

/** Pages from the first to before the last; open at the end, since rows may lie on pages added since the size was asked. */
export type Range = 'whole' | { readonly from: number; readonly before: number | undefined };

/** Since version 14 a run of pages is read without looking at the others. */
const firstMajorWithRangeScans = 14;

export const rangesOf = (
  table: Table,
  bytes: number,
  { major, blockSize }: ServerFacts,
  rangeMiB: number,
): readonly Range[] => {
  const pages = Math.ceil(bytes / blockSize);
  const pagesOfRange = (rangeMiB * 1024 * 1024) / blockSize;
  const divides = major >= firstMajorWithRangeScans && table.heap && table.extensionCondition === undefined;
  if (!divides || pages <= pagesOfRange) return ['whole'];
  const count = Math.ceil(pages / pagesOfRange);
  return Array.from({ length: count }, (_, index) => ({
    from: index * pagesOfRange,
    before: index + 1 < count ? (index + 1) * pagesOfRange : undefined,
  }));
};

/** About how many bytes of the table lie in a range: a hint for progress. */
export const rangeBytes = (bytes: number, range: Range, blockSize: number): number => {
  if (range === 'whole') return bytes;
  const end = range.before === undefined ? bytes : range.before * blockSize;
  return Math.max(0, end - range.from * blockSize);
};

/** The statement that reads the rows of a range, in the order in which they lie. */
export const copyOutSql = (table: Table, range: Range, encoding: string): string => {
  const options = `to stdout with (format text, encoding ${quoteLiteral(encoding)})`;
  const columns = table.columns.map(quoteIdentifier).join(', ');
  const condition = table.extensionCondition ?? '';
  if (range === 'whole' && condition === '')
    return `copy ${quoteName(table)}${columns && ` (${columns})`} ${options}`;
  const where = range === 'whole' ? condition : `where ${rangeCondition(range)}`;
  return `copy (select ${columns} from only ${quoteName(table)} ${where}) ${options}`;
};

/** The statement that takes them in again. */
export const copyInSql = (target: string, columns: readonly string[], encoding: string): string => {
  if (!/^\w+$/.test(encoding)) throw new HoldfastError('TARGET_FAILED', `"${encoding}" is no encoding`);
  const list = columns.map(quoteIdentifier).join(', ');
  return `copy ${target}${list && ` (${list})`} from stdin with (format text, encoding '${encoding}')`;
};

const rangeCondition = ({ from, before }: Exclude<Range, 'whole'>): string =>
  `ctid >= '(${from},0)'${before === undefined ? '' : ` and ctid < '(${before},0)'`}`;
