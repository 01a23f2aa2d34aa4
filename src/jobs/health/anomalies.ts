// Whether what was captured looks like what was captured before. A dump may end well and hold next to nothing.
import { formatBytes, formatCount, plural } from '#lib/format.ts';

/** How much there is of a source. */
export interface Extent {
  readonly bytes: number;
  readonly files: number;
}

/** The number of rows of each table, by the database's folder and the table's name. */
export type Tables = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface AnomalyRules {
  /** Less than this share of the smallest of the last ones is suspicious. */
  readonly shrinkTo: number;
  /** Names of tables that may shrink and vanish; `*` stands for anything. */
  readonly ignore: readonly string[];
  /** A source that has not grown in so long is suspicious; absent: it need not grow. */
  readonly growsWithinMs?: number | undefined;
}

export const usualRules: AnomalyRules = { shrinkTo: 0.3, ignore: [] };

/** Less than this comes and goes without meaning anything. */
const fewBytes = 1024 * 1024;
const fewFiles = 10;
const fewRows = 10;
/** A single table may change much; one that lost nine of ten rows has lost too many. */
const tableShrinkTo = 0.1;

/** What is wrong with the extent beside those of the last good snapshots, each as a sentence without a subject. */
export const judgeExtent = (now: Extent, before: readonly Extent[], { shrinkTo }: AnomalyRules): string[] => {
  if (now.files === 0)
    return before.every(({ files }) => files === 0) && before.length > 0 ? [] : ['is empty'];
  if (before.length === 0) return [];
  const bytes = Math.min(...before.map((one) => one.bytes));
  const files = Math.min(...before.map((one) => one.files));
  return [
    ...(bytes >= fewBytes && now.bytes < bytes * shrinkTo
      ? [`has ${formatBytes(now.bytes)}, ${less(now.bytes, bytes)} than ever lately (${formatBytes(bytes)})`]
      : []),
    ...(files >= fewFiles && now.files < files * shrinkTo
      ? [
          `has ${plural(now.files, 'file')}, ${less(now.files, files)} than ever lately (${formatCount(files)})`,
        ]
      : []),
  ];
};

/** What is wrong with the tables beside those of the last good snapshots, each as a sentence without a subject. */
export const judgeTables = (now: Tables, before: readonly Tables[], rules: AnomalyRules): string[] => {
  const [last] = before;
  if (last === undefined) return countOf(now) > 0 ? [] : [now.size > 0 ? 'has no table' : 'has no database'];
  const isIgnored = ignoring(rules.ignore);
  const found: string[] = [];
  for (const [folder, tables] of last) {
    if (!now.has(folder)) {
      if ([...tables.keys()].some((name) => !isIgnored(name)))
        found.push(`lacks the database ${folder}`.trimEnd());
      continue;
    }
    for (const name of tables.keys()) {
      const rows = before.map((one) => one.get(folder)?.get(name));
      if (!isIgnored(name)) found.push(...judgeTable(name, now.get(folder)?.get(name), rows));
    }
  }
  return [...found, ...judgeRows(now, before, rules)];
};

const judgeTable = (
  name: string,
  now: number | undefined,
  before: readonly (number | undefined)[],
): string[] => {
  // One that was not there every time comes and goes.
  if (before.includes(undefined)) return [];
  if (now === undefined) return [`lacks the table ${name}`];
  const least = Math.min(...before.map((rows) => rows ?? 0));
  if (least < fewRows || now > least * tableShrinkTo) return [];
  return [`has ${plural(now, 'row')} in the table ${name}, where at least ${formatCount(least)} were lately`];
};

const judgeRows = (now: Tables, before: readonly Tables[], { shrinkTo, ignore }: AnomalyRules): string[] => {
  const rowsOf = (tables: Tables): number => sumOf(tables, ignoring(ignore));
  const least = Math.min(...before.map(rowsOf));
  const rows = rowsOf(now);
  if (least < fewRows || rows >= least * shrinkTo) return [];
  return [`has ${plural(rows, 'row')}, ${less(rows, least)} than ever lately (${formatCount(least)})`];
};

const less = (now: number, before: number): string => `${Math.floor((1 - now / before) * 100)} % less`;

const countOf = (tables: Tables): number => [...tables.values()].reduce((sum, { size }) => sum + size, 0);

const sumOf = (tables: Tables, isIgnored: (name: string) => boolean): number =>
  [...tables.values()]
    .flatMap((own) => [...own])
    .reduce((sum, [name, rows]) => sum + (isIgnored(name) ? 0 : rows), 0);

const ignoring = (patterns: readonly string[]): ((name: string) => boolean) => {
  const expressions = patterns.map(
    (pattern) => new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`, 's'),
  );
  return (name) => expressions.some((expression) => expression.test(name));
};

const literally = (text: string): string => text.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&');
