// `npm test`: brings what the tests need, checks the code, runs every test, and ends with a line that counts them.
// `node scripts/test.ts src/stores [-t 'a pattern of names']` runs a part, without the checks.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { cannotInstall, installPackages } from '../test/servers/debian.ts';
import { missingPackages } from '../test/servers/programs.ts';
import { restServerProgram, skipWithoutRestServer } from '../test/servers/rest-server.ts';
import { resticBinaries, skipWithoutRestic } from '../test/tools/restic.ts';
import { reportTests, type Totals } from './test-report.ts';

const root = join(import.meta.dirname, '..');
const testTimeoutMs = 5 * 60_000;
const fileTimeoutMs = 30 * 60_000;

const main = async (): Promise<void> => {
  process.chdir(root);
  process.env.NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'holdfast', 'compiled-tests'); // most files load the same code
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'test-name-pattern': { type: 'string', short: 't' } },
  });
  const complete = positionals.length === 0;
  const files = testFiles(positionals);
  await bringServers();
  const checked = !complete || (step('biome', ['check', '.']) && step('tsc', []));
  const totals = await runTests(files, values['test-name-pattern']);
  if (!checked) totals.failed += 1;
  if (totals.passed === 0 || totals.failed > 0) process.exitCode = 1;
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
};

const bringServers = async (): Promise<void> => {
  const missing = missingPackages();
  const obstacle = cannotInstall();
  if (missing.length > 0 && obstacle === undefined) {
    console.log(`installing ${missing.join(', ')}`);
    await installPackages(missing);
  } else if (missing.length > 0) {
    console.log(`cannot install ${missing.join(', ')}: ${obstacle}; the tests that need them are skipped`);
  }
  if (skipWithoutRestic() === undefined) {
    const { old, new: newest } = await resticBinaries();
    console.log(`restic: ${old}, ${newest}`);
  }
  if (skipWithoutRestServer() === undefined) console.log(`rest-server: ${await restServerProgram()}`);
};

const step = (program: string, args: readonly string[]): boolean => {
  console.log([program, ...args].join(' '));
  const { status, error } = spawnSync(join(root, 'node_modules', '.bin', program), args, {
    stdio: 'inherit',
  });
  if (error) console.error(error.message);
  return status === 0;
};

/** What takes longest comes first, so that no long file is left alone at the end: whole commands, then what starts servers. */
const everything = ['test', 'src/stores', 'src/sources', 'src', 'wasm'];

const testFiles = (paths: readonly string[]): string[] => {
  const patterns = paths.length > 0 ? paths : everything;
  for (const missing of patterns.filter((path) => !existsSync(path))) {
    console.error(`there is no ${missing}`);
    process.exit(1);
  }
  const files = patterns.flatMap((path) =>
    statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`).toSorted() : [path],
  );
  return [...new Set(files)];
};

const runTests = async (files: readonly string[], pattern: string | undefined): Promise<Totals> => {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const paths = files.map((file) => resolve(root, file));
  const stream = run({
    files: paths,
    concurrency: availableParallelism() + 1, // most of them wait for servers a third of their time
    timeout: fileTimeoutMs,
    signal: stopping.signal,
    execArgv: [`--test-timeout=${testTimeoutMs}`],
    ...(pattern === undefined ? {} : { testNamePatterns: new RegExp(pattern) }),
  });
  return await reportTests(stream, root, paths);
};

await main();
