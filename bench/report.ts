// Comparisons as tables that read well in a terminal and in Markdown.
import type { Comparison, Result, Target } from './comparison.ts';
import type { Spread } from './statistics.ts';

/** How many times more the peer's median needs; above 1 Holdfast is better. */
const ratioOf = (of: Target['of'] | 'cpu', holdfast: Result, peer: Result): number | undefined => {
  const [ours, theirs] = [holdfast, peer].map(
    (result) =>
      ({ wall: result.wallSeconds, cpu: result.cpuSeconds, stored: result.storedBytes })[of]?.median,
  );
  return ours === undefined || theirs === undefined || ours <= 0 ? undefined : theirs / ours;
};

/** One comparison: a line for each contender. */
export const detailTable = ({ title, results, target }: Comparison): string => {
  const [holdfast] = results;
  if (!holdfast) return '';
  const rows = results.map((result) => [
    result.name,
    seconds(result.wallSeconds),
    seconds(result.cpuSeconds),
    mebibytes(result.peakBytes),
    result.storedBytes ? megabytes(result.storedBytes) : '',
    ...(result === holdfast
      ? ['', '', '']
      : (['wall', 'cpu', 'stored'] as const).map((of) => times(ratioOf(of, holdfast, result)))),
  ]);
  const head = ['', 'wall s', 'CPU s', 'peak MiB', 'stored MB', 'wall ratio', 'CPU ratio', 'stored ratio'];
  return `${title}${target ? ` (target: ${target.of} ratio ≥ ${Number(target.atLeast.toFixed(2))})` : ''}\n\n${table([head, ...rows])}`;
};

/** All comparisons: the ratio that counts, against each peer. */
export const summaryTable = (comparisons: readonly Comparison[]): string => {
  const peers = [...new Set(comparisons.flatMap(({ results }) => results.slice(1).map(({ name }) => name)))];
  const rows = comparisons.map(({ title, target, results }) => {
    const [holdfast] = results;
    const of = target?.of ?? 'wall';
    const cells = peers.map((name) => {
      const peer = results.find((result) => result.name === name);
      const ratio = holdfast && peer && ratioOf(of, holdfast, peer);
      return `${times(ratio)}${ratio !== undefined && target ? verdict(ratio, target) : ''}`;
    });
    return [
      title,
      of === 'wall' ? 'times faster' : 'times smaller',
      target ? `≥ ${Number(target.atLeast.toFixed(2))}` : '',
      ...cells,
    ];
  });
  return table([['Holdfast is', '', 'target', ...peers.map((name) => `than ${name}`)], ...rows]);
};

const verdict = (ratio: number, { atLeast }: Target): string => (ratio >= atLeast ? ' ✓' : ' ✗');

const times = (ratio: number | undefined): string => (ratio === undefined ? '' : `${ratio.toFixed(2)}×`);
const seconds = (spread: Spread): string => ranged(spread, (value) => value.toFixed(2));
const mebibytes = ({ median }: Spread): string => (median / 1024 ** 2).toFixed(0);
const megabytes = ({ median }: Spread): string => (median / 1e6).toFixed(1);

const ranged = ({ median, least, most }: Spread, format: (value: number) => string): string =>
  `${format(median)} (${format(least)}–${format(most)})`;

/** Markdown with columns padded to line up. */
const table = ([head = [], ...rows]: readonly (readonly string[])[]): string => {
  const widths = head.map((_, at) => Math.max(3, ...[head, ...rows].map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [head, rule, ...rows].map(line).join('\n');
};
