// Backups of a database by rows (`increments: rows`) that are killed at random moments: each snapshot has the rows of its moment, also
// when others are forgotten and the repository is pruned.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Random, seededRandom } from '#lib/random.ts';
import { execute, query } from '../../src/sources/sqlite/testing.ts';
import { jsonLines, runCli, startCli } from './cli.ts';
import type { KillOptions } from './kill-backups.ts';
import { makeRepository } from './repository.ts';
import { temporaryFolder } from './temp.ts';

export interface KillIncrementsReport {
  /** Kills that came before the backup had ended. */
  readonly interrupted: number;
  /** Snapshots that were restored, each of which had the rows of its moment. */
  readonly restored: number;
}

const fewRows = `--import=${join(import.meta.dirname, 'few-rows.ts')}`;

const password = 'a password for tests';
const rowsAtFirst = 60_000;
/** Of which there are several times as many in a table: what is held follows the reader. */
const rowsAtOnce = 20_000;
/** A snapshot more, and the oldest are forgotten. */
const keptAtMost = 6;

/** Throws at the first broken promise. */
export const killIncrements = async ({
  kills,
  seed,
  onRound,
}: KillOptions): Promise<KillIncrementsReport> => {
  const random = seededRandom(seed);
  const folder = temporaryFolder('killed-rows');
  const at = (name: string): string => join(folder, name);
  const cli = {
    env: {
      HOLDFAST_PASSWORD: password,
      HOLDFAST_CONFIG: at('holdfast.yaml'),
      HOLDFAST_CATALOG: at('catalog.db'),
    },
  };
  const succeed = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await runCli(args, cli);
    assert.equal(status, 0, `holdfast ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** What the database had, by the snapshots that were made of it. */
  const states = new Map<string, string>();
  const look = async (): Promise<string[]> => {
    const ids = jsonLines(await succeed('snapshots', '--json'))
      .filter(({ message_type: type }) => type === 'snapshot')
      .map(({ id }) => `${id}`);
    for (const id of ids) if (!states.has(id)) states.set(id, contentOf(at('shop.db')));
    return ids;
  };

  makeShop(at('shop.db'));
  writeFileSync(
    at('holdfast.yaml'),
    `repositories:
  here: { store: ${at('repository')}, password: { env: HOLDFAST_PASSWORD } }
sources:
  shop: { kind: sqlite, path: ${at('shop.db')}, increments: rows }
jobs:
  nightly: { backup: [shop], to: [here] }
`,
    { mode: 0o600 },
  );
  await makeRepository(at('repository'), password);
  const started = performance.now();
  await succeed('backup');
  const wholeMs = performance.now() - started;
  let [interrupted, restored] = [0, 0];
  await look();
  let [isInterrupted, afterMs] = [true, 0];
  for (let kill = 0; kill < kills || !isInterrupted; kill += 1) {
    const change = changeShop(random, at('shop.db'));
    if (isInterrupted) afterMs = random.next() * wholeMs;
    else afterMs /= 2; // the one before had ended when it was to be killed
    const atOnce = random.pick([rowsAtOnce, 10 * rowsAtOnce]);
    const env = { ...cli.env, NODE_OPTIONS: fewRows, ROWS_AT_ONCE: `${atOnce}` };
    const running = startCli(['backup'], { env });
    const timer = setTimeout(() => running.process.kill('SIGKILL'), afterMs);
    const { signal } = await running.result;
    clearTimeout(timer);
    isInterrupted = signal === 'SIGKILL';
    if (isInterrupted) interrupted += 1;
    await look(); // one that had ended, or nearly
    const { status, stderr } = await runCli(['backup'], { env });
    assert.equal(status, 0, stderr);
    const ids = await look();
    onRound?.(
      `${change}; ${atOnce} rows at once; killed after ${afterMs.toFixed(0)} ms: ${signal ?? 'had ended'}, ${ids.length} snapshots`,
    );
    for (const id of ids.length > keptAtMost ? ids : ids.slice(-1)) {
      await succeed('verify', id);
      await succeed('restore', id, '--force', '--to', `sqlite://${at('copy.db')}`);
      assert.equal(contentOf(at('copy.db')), states.get(id), `snapshot ${id}, after: ${change}`);
      restored += 1;
    }
    if (ids.length > keptAtMost) await succeed('forget', '--keep-last', '2', '--prune');
  }
  await succeed('check', '--read-data');
  return { interrupted, restored };
};

const makeShop = (path: string): void =>
  execute(
    path,
    `CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT, note TEXT);
     WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${rowsAtFirst})
     INSERT INTO orders SELECT n, 'new', 'line' || char(10) || hex(randomblob(12)) FROM n;
     CREATE TABLE log (line TEXT);
     WITH n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${rowsAtFirst}) INSERT INTO log SELECT 'the same' FROM n;`,
  );

/** Does something to the rows, and says what. */
const changeShop = (random: Random, path: string): string => {
  const share = random.pick([1, 3, 40]);
  const some = `abs(random()) % 100 < ${share}`;
  const change = random.pick([
    `UPDATE orders SET state = 's${random.integer(0, 1000)}' WHERE ${some}`,
    `DELETE FROM orders WHERE ${some}`,
    `INSERT INTO orders (state, note) SELECT state, note || '+' FROM orders WHERE ${some}`,
    `INSERT INTO log SELECT line FROM log WHERE ${some}`,
    `DELETE FROM log WHERE ${some}`,
    'SELECT 1',
  ]);
  execute(path, change);
  return change;
};

const contentOf = (path: string): string =>
  hash(
    'sha256',
    JSON.stringify([
      query(path, 'SELECT * FROM orders ORDER BY id').map(String),
      query(path, 'SELECT line, count(*) FROM log GROUP BY line').map(String),
    ]),
  );
