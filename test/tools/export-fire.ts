// Exports while eight writers insert with equal times and commit minutes late, each run killed at a random point, and another
// program takes files away whenever it likes: in the end every row is in exactly one file.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.ts';
import type { OnJobEvent } from '../../src/jobs/event.ts';
import { type ExportTask, runExport } from '../../src/jobs/export/run.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { hasCode } from '../../src/lib/errors.ts';
import { silentLog } from '../../src/lib/log.ts';
import { type Random, seededRandom } from '../../src/lib/random.ts';
import { sourceFromUrl } from '../../src/sources/registry.ts';
import { openLocalStore } from '../../src/stores/local/local.ts';
import type { StoreConfig } from '../../src/stores/registry.ts';
import type { LargeObject, LargeObjects, Store } from '../../src/stores/store.ts';
import { startPostgres } from '../servers/postgres.ts';

export interface FireOptions {
  /** Of an empty database that nobody else uses. */
  readonly url: string;
  /** Where files and the catalog go. */
  readonly folder: string;
  readonly seed: string;
  readonly steps: number;
}

export interface FireReport {
  readonly rows: number;
  readonly files: number;
  readonly kills: number;
}

const writers = 8;

export const exportUnderFire = async ({ url, folder, seed, steps }: FireOptions): Promise<FireReport> => {
  const random = seededRandom(seed);
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['out', 'taken']) mkdirSync(join(folder, name), { recursive: true });
  const admin = await open(url);
  await admin.query(`drop table if exists events, lines;
    create table events (id bigserial primary key, at timestamptz not null, what text);
    create index on events (at);
    create table lines (batch int not null, text text)`);
  const clients = await Promise.all(Array.from({ length: writers }, () => open(url)));
  const work = clients.map((client) => new Writer(client, random.fork(`writer ${random.integer(0, 1e9)}`)));
  let kills = 0;
  try {
    for (let step = 0; step < steps; step += 1) {
      await random.pick(work).step(step);
      if (random.chance(0.4)) takeAway(folder, random);
      if (!random.chance(0.25)) continue;
      const fuse = random.chance(0.7) ? random.integer(1, 30) : Number.POSITIVE_INFINITY;
      if (await exportOnce(url, folder, fuse)) kills += 1;
    }
    for (const writer of work) await writer.end();
    for (let rest = 0; rest < 2; rest += 1) await exportOnce(url, folder, Number.POSITIVE_INFINITY);
    return { kills, ...(await compare(admin, folder, seed)) };
  } finally {
    for (const client of [admin, ...clients]) await client.end();
  }
};

/** The long form: a server of its own, and a round for each seed. */
export const exportsUnderFire = async (options: {
  readonly rounds: number;
  readonly seed: number;
  onRound(line: string): void;
}): Promise<{ readonly rows: number; readonly kills: number }> => {
  await using server = await startPostgres();
  process.env.PGPASSWORD = server.password;
  await server.psql('postgres', 'create database plant');
  const total = { rows: 0, kills: 0 };
  for (let round = 1; round <= options.rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-fire-'));
    const seed = `${options.seed}/${round}`;
    const report = await exportUnderFire({ url: server.url('plant'), folder, seed, steps: 120 });
    rmSync(folder, { recursive: true });
    total.rows += report.rows;
    total.kills += report.kills;
    options.onRound(`${round}/${options.rounds} seed ${seed}: ${JSON.stringify(report)}`);
  }
  return total;
};

const open = async (url: string): Promise<Client> => {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
};

/** A transaction draws its time when it begins, and stays open for a while. */
class Writer {
  readonly #client: Client;
  readonly #random: Random;
  #at: number | undefined;

  constructor(client: Client, random: Random) {
    this.#client = client;
    this.#random = random;
  }

  /** Five seconds pass with every step, and the clock shows tens of them. */
  async step(step: number): Promise<void> {
    if (this.#at === undefined) {
      this.#at = Math.floor((step * 5) / 10) * 10;
      await this.#client.query('begin');
      await this.#insert();
    } else if (this.#random.chance(0.5)) await this.#insert();
    else await this.end();
  }

  async end(): Promise<void> {
    if (this.#at === undefined) return;
    await this.#client.query(this.#random.chance(0.85) ? 'commit' : 'rollback');
    this.#at = undefined;
  }

  async #insert(): Promise<void> {
    const count = this.#random.integer(1, 6);
    // Rows of subtransactions have numbers of their own.
    if (this.#random.chance(0.3)) await this.#client.query('savepoint s');
    await this.#client.query(
      `insert into events (at, what) select to_timestamp(1.8e9 + $1), 'a "text", and a comma' from generate_series(1, $2)`,
      [this.#at, count],
    );
    await this.#client.query(
      `insert into lines select $1::int / 20, 'the same' from generate_series(1, $2)`,
      [this.#at, count],
    );
  }
}

/** The other program moves what it finds, whatever we are doing. */
const takeAway = (folder: string, random: Random): void => {
  for (const name of readdirSync(join(folder, 'out')))
    if (!isUnfinished(name) && random.chance(0.5))
      renameSync(join(folder, 'out', name), join(folder, 'taken', name));
};

/** One run in a "process" that dies when the fuse has burnt down; true when it did. */
const exportOnce = async (url: string, folder: string, fuse: number): Promise<boolean> => {
  const death = new Death(fuse);
  using catalog = openCatalog(join(folder, 'catalog.db'), { warn: assert.fail });
  const mortal: Catalog = {
    ...catalog,
    exports: death.ledger(catalog.exports),
    unfinished: death.ledger(catalog.unfinished),
  };
  const to: StoreConfig = {
    kind: 'local',
    config: {},
    toJSON: () => ({ kind: 'local' }),
    open: async () => death.store(openLocalStore(join(folder, 'out'))),
  };
  const task: ExportTask = {
    job: 'fire',
    sources: [{ ...sourceFromUrl(url), name: 'plant' }],
    tables: [
      { table: 'events', key: 'at', first: 'all', overlap: { seconds: 0 } },
      { table: 'lines', key: 'batch', first: 'all', overlap: { steps: 0 } },
    ],
    to,
    name: '{site}_{table}_{first}_{last}.jsonl',
    site: '69',
    format: { kind: 'jsonl' },
    gzip: false,
    maxRows: 7,
  };
  const { signal } = new AbortController();
  const failures: unknown[] = [];
  const onEvent: OnJobEvent = (event) => {
    if (event.type === 'item-failed') failures.push(event.error);
    if (event.type === 'source-failed') failures.push(event.outcome.error);
  };
  const context = { signal, clock: systemClock, log: silentLog, onEvent, catalog: mortal };
  try {
    const run = await runExport(task, context);
    if (!death.happened) assert.equal(run.state, 'ok', String(failures[0]));
  } catch (error) {
    if (!death.happened || hasCode(error, 'CANCELLED')) throw error;
  }
  return death.happened;
};

/** From a random moment on nothing is done any more, not even tidying up: as when a process is killed. */
class Death {
  #left: number;
  happened = false;

  constructor(fuse: number) {
    this.#left = fuse;
  }

  /** Dies before or after the work. */
  async #live<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#burn();
    const result = await work();
    this.#burn();
    return result;
  }

  #burn(): void {
    this.#left -= 0.5;
    if (this.#left > 0) return;
    this.happened = true;
    throw new Error('killed');
  }

  ledger<Ledger extends object>(ledger: Ledger): Ledger {
    const mortal = Object.entries(ledger).map(([name, call]: [string, (...args: never[]) => unknown]) => [
      name,
      (...args: never[]) => {
        if (name === 'timesExported') return call(...args); // it changes nothing, and there are too many of it
        this.#burn();
        const result = call(...args);
        this.#burn();
        return result;
      },
    ]);
    return Object.fromEntries(mortal) as Ledger;
  }

  store(store: Store & LargeObjects): Store & LargeObjects {
    const object = (inner: LargeObject): LargeObject => ({
      token: inner.token,
      pieceBytes: () => 100,
      putPiece: (piece, bytes) => this.#live(() => inner.putPiece(piece, bytes)),
      commit: () => this.#live(() => inner.commit()),
      abort: () => this.#live(() => inner.abort()),
    });
    return {
      ...store,
      beginLarge: async (key) => object(await this.#live(() => store.beginLarge(key))),
      wasCommitted: (key, token, size) => this.#live(() => store.wasCommitted(key, token, size)),
      abandonLarge: (key, token) => this.#live(() => store.abandonLarge(key, token)),
    };
  }
}

const isUnfinished = (name: string): boolean => /-tmp-\d+$/.test(name);

const compare = async (
  admin: Client,
  folder: string,
  seed: string,
): Promise<{ rows: number; files: number }> => {
  const files = ['out', 'taken'].flatMap((name) =>
    readdirSync(join(folder, name)).map((file) => join(folder, name, file)),
  );
  // A file that was opened just before the end of a process may stay behind, empty.
  const unfinished = files.filter((file) => isUnfinished(file) && statSync(file).size > 0);
  assert.deepEqual(unfinished, [], 'nothing unfinished is left');
  const rowsOf = (table: string): Record<string, unknown>[] =>
    files
      .filter((file) => !isUnfinished(file) && file.includes(`69_${table}_`))
      .flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const events = await admin.query<{ id: string }>('select id from events order by id');
  const exported = rowsOf('events').map(({ id }) => Number(id));
  assert.deepEqual(
    exported.toSorted((a, b) => a - b),
    events.rows.map(({ id }) => Number(id)),
    `events, seed ${seed}`,
  );
  const lines = await admin.query<{ batch: number; count: string }>(
    'select batch, count(*) from lines group by 1',
  );
  const counts = Map.groupBy(rowsOf('lines'), ({ batch }) => Number(batch));
  for (const { batch, count } of lines.rows)
    assert.equal(counts.get(batch)?.length ?? 0, Number(count), `lines of batch ${batch}, seed ${seed}`);
  assert.ok(existsSync(join(folder, 'catalog.db')));
  return { rows: exported.length + rowsOf('lines').length, files: files.length };
};
