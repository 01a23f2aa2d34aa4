// Holdfast beside its peers, on the same input and in turns: `npm run bench`. Ratios, since seconds are only this machine's.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '#lib/errors.ts';
import type { Comparison } from './comparison.ts';
import { describeMachine } from './machine.ts';
import { type Options, readOptions, usage } from './options.ts';
import { detailTable, summaryTable } from './report.ts';
import type { Scenario } from './scenario.ts';
import { noiseFile, sqlFile } from './scenarios/big-file.ts';
import { couchdb } from './scenarios/couchdb.ts';
import { distant } from './scenarios/distant.ts';
import { memory } from './scenarios/memory.ts';
import { mirror } from './scenarios/mirror.ts';
import { mongodb } from './scenarios/mongodb.ts';
import { mysql } from './scenarios/mysql.ts';
import { postgres } from './scenarios/postgres.ts';
import { prune } from './scenarios/prune.ts';
import { smallFiles } from './scenarios/small-files.ts';
import { borgTools } from './tools/borg.ts';
import { holdfast } from './tools/holdfast.ts';
import { resticTools } from './tools/restic.ts';
import type { Tool } from './tools/tool.ts';

const scenarios: readonly Scenario[] = [
  sqlFile,
  noiseFile,
  smallFiles,
  postgres,
  mysql,
  mongodb,
  couchdb,
  distant,
  mirror,
  prune,
  memory,
];

const run = async (options: Options): Promise<void> => {
  const tools = [holdfast, ...(await resticTools()), ...borgTools()];
  const machine = describeMachine(options.folder);
  const note = (text: string): void => void process.stderr.write(`${text}\n`);
  const say = (text: string): void => void (options.json || process.stdout.write(`${text}\n\n`));
  say(heading(machine, tools, options));
  const comparisons: Comparison[] = [];
  for (const scenario of chosen(options.only)) {
    const reason = scenario.skip?.();
    if (reason !== undefined) {
      note(`${scenario.name} is left out: ${reason}`);
      continue;
    }
    const folder = mkdtempSync(join(options.folder, 'holdfast-bench-'));
    try {
      for await (const comparison of scenario.run({ ...options, folder, tools, note })) {
        say(detailTable(comparison));
        comparisons.push(comparison);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  say(summaryTable(comparisons));
  const settings = Object.fromEntries(tools.map(({ name, settings }) => [name, settings]));
  if (options.json)
    process.stdout.write(`${JSON.stringify({ machine, settings, options, comparisons }, null, 2)}\n`);
};

const chosen = (only: readonly string[] | undefined): readonly Scenario[] => {
  const unknown = only?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`there is no scenario named ${unknown.join(', ')}`);
  return scenarios.filter(({ name }) => only?.includes(name) ?? true);
};

const heading = (
  machine: ReturnType<typeof describeMachine>,
  tools: readonly Tool[],
  options: Options,
): string => {
  const { processor, cores, memoryGibibytes, system, fileSystem, node, load } = machine;
  return [
    `${processor}, ${cores} cores, ${memoryGibibytes} GiB; ${system}; ${fileSystem}; Node ${node}; load ${load.toFixed(1)}`,
    ...tools.map(({ name, settings }) => `${name}: ${settings}`),
    `Input in the page cache; medians of ${options.rounds} rounds in turns (least–most); a ratio is the peer's median by ours.`,
  ].join('\n');
};

try {
  const options = readOptions(process.argv.slice(2));
  if (options) await run(options);
  else process.stdout.write(usage);
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
