// Test events as a short report: a line a file, every failure in full, every reason to skip.
import { relative } from 'node:path';
import type { EventData, TestsStream } from 'node:test';
import { inspect } from 'node:util';
import { isKnownGap } from '../test/servers/real-servers.ts';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

interface Progress {
  readonly totals: Totals;
  readonly output: Map<string, string>;
  readonly unfinished: Set<string>;
  readonly failures: string[];
  readonly skips: Map<string, number>;
  readonly slowest: { readonly name: string; readonly seconds: number }[];
}

/** Prints the run as it goes and returns its counts. A skipped suite counts as one test. */
export const reportTests = async (
  stream: TestsStream,
  root: string,
  files: readonly string[],
): Promise<Totals> => {
  const progress: Progress = {
    totals: { passed: 0, failed: 0, skipped: 0 },
    output: new Map(),
    unfinished: new Set(files),
    failures: [],
    skips: new Map(),
    slowest: [],
  };
  for await (const event of stream) {
    if (event.type === 'test:pass' || event.type === 'test:fail') count(progress, event, root);
    if (event.type === 'test:stdout' || event.type === 'test:stderr') keepOutput(progress, event.data);
    if (event.type !== 'test:summary' || event.data.file === undefined) continue;
    progress.unfinished.delete(event.data.file);
    printFile(progress, event.data, root, `${files.length - progress.unfinished.size}/${files.length}`);
  }
  for (const file of progress.unfinished) failFile(progress, relative(root, file), file);
  printEnd(progress);
  return progress.totals;
};

type Ended =
  | { type: 'test:pass'; data: EventData.TestPass }
  | { type: 'test:fail'; data: EventData.TestFail };

const count = (progress: Progress, event: Ended, root: string): void => {
  const { data } = event;
  const isSuite = data.details.type === 'suite';
  if (event.type === 'test:fail') {
    // A file and a parent of failed tests fail with them; a file that fails by itself has no summary and is counted for that.
    if (data.name === data.file || isOnlyByChildren(event.data)) return;
    progress.totals.failed += 1;
    const title = `✖ ${data.name} (${relative(root, data.file ?? '')}:${data.line})`;
    const reason = indent(describe(event.data.details.error));
    console.log(`${title}\n${reason}`);
    progress.failures.push(`${title}\n${reason.slice(0, 500)}`);
  } else if (data.skip !== undefined && data.skip !== false) {
    progress.totals.skipped += 1;
    const reason = String(data.skip === true ? 'no reason given' : data.skip);
    progress.skips.set(reason, (progress.skips.get(reason) ?? 0) + 1);
    if (process.env.CI === 'true' && !isKnownGap(reason)) failSkipped(progress, event.data, root, reason);
  } else if (!isSuite && data.name !== data.file) {
    // A file without a test of its own passes as a test named for it.
    progress.totals.passed += 1;
    progress.slowest.push({ name: data.name, seconds: data.details.duration_ms / 1000 });
  }
};

/** Where everything must be tested, only what no test can install may be missing. */
const failSkipped = (progress: Progress, data: EventData.TestPass, root: string, reason: string): void => {
  const title = `✖ ${data.name} (${relative(root, data.file ?? '')}:${data.line}) was skipped: ${reason}`;
  console.log(title);
  progress.totals.failed += 1;
  progress.failures.push(title);
};

const isOnlyByChildren = (data: EventData.TestFail): boolean =>
  (data.details.error as { failureType?: unknown }).failureType === 'subtestsFailed';

const describe = (error: Error): string => {
  const cause = error.cause ?? error;
  const text = cause instanceof Error ? inspect(cause, { depth: 4 }) : String(cause);
  return text.replaceAll(/\n +at [^\n]*\(?node:internal[^\n]*?(?=\n| \{|$)/g, '');
};

const indent = (text: string): string => text.replaceAll(/^/gm, '    ');

const keepOutput = (
  { output }: Progress,
  data: { readonly file?: string; readonly message: string },
): void => {
  const file = data.file ?? '';
  output.set(file, ((output.get(file) ?? '') + data.message).slice(-20_000));
};

/** A file that has no test, could not be loaded, was stopped for its time, or ended its own process. */
const failFile = (progress: Progress, name: string, file: string): void => {
  const title = `✖ ${name} has no test or did not run to its end`;
  console.log(`${title}\n${indent((progress.output.get(file) ?? '').trimEnd())}`);
  progress.totals.failed += 1;
  progress.failures.push(title);
};

/** What a file printed matters only when one of its tests failed. */
const printFile = (progress: Progress, data: EventData.TestSummary, root: string, position: string): void => {
  const file = data.file ?? '';
  const { passed, tests, skipped } = data.counts;
  const skips = skipped > 0 ? `, ${skipped} skipped` : '';
  const seconds = (data.duration_ms / 1000).toFixed(1);
  const mark = data.success ? '✔' : '✖';
  console.log(`${mark} ${position} ${relative(root, file)}: ${passed} of ${tests}${skips}, ${seconds} s`);
  const output = progress.output.get(file) ?? '';
  if (!data.success && output !== '') console.log(indent(output.trimEnd()));
  progress.output.delete(file);
};

const printEnd = ({ failures, skips, slowest }: Progress): void => {
  const slow = slowest.toSorted((a, b) => b.seconds - a.seconds).slice(0, 5);
  console.log(`slowest: ${slow.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join('; ')}`);
  for (const [reason, times] of skips) console.log(`skipped ${times}: ${reason}`);
  if (failures.length > 0) console.log(`failed:\n${failures.join('\n')}`);
};
