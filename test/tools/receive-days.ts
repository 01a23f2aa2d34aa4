// Simulated days of a sender and a receiver: a complete backup a day and partial ones in between, while writers write, some
// transactions stay open across captures, snapshots arrive late, twice and out of order, runs are broken off, and readers poll.
// Nothing is deleted: partial backups do not tell of that.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.ts';
import { loadConfig, repositoryNamed, sourceNamed } from '../../src/config/config.ts';
import { copySnapshots } from '../../src/jobs/copy.ts';
import { partialSource } from '../../src/jobs/receive/partial-source.ts';
import { runReceive } from '../../src/jobs/receive/run-receive.ts';
import { runBackup } from '../../src/jobs/run-backup.ts';
import { rememberingContext } from '../../src/jobs/testing.ts';
import { withRepository } from '../../src/jobs/use-repository.ts';
import { seededRandom } from '../../src/lib/random.ts';
import type { Snapshot } from '../../src/repository/contract.ts';
import { type Connection, connect } from '../../src/sources/postgres/connect.ts';
import { resolveSettings } from '../../src/sources/postgres/settings.ts';
import type { SourceConfig } from '../../src/sources/registry.ts';
import { type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { makeRepository } from './repository.ts';

export interface DaysOptions {
  readonly days: number;
  readonly partialsADay: number;
  readonly seed: number;
  /** How far partial backups reach back. With less than a few rounds take, some cannot be applied without those before them. */
  readonly sinceMs?: number;
  readonly onRound?: (line: string) => void;
}

export interface DaysReport {
  readonly wholes: number;
  readonly partials: number;
  /** Receipts that changed what readers see, each compared with the sender. */
  readonly compared: number;
  readonly cancelled: number;
  readonly looks: number;
  /** Readers that met the moment of a swap, and had to connect again. */
  readonly reconnected: number;
}

const schema = `
  create table accounts (id int primary key, total bigint not null, changed_at timestamptz not null default now());
  create table entries (id bigserial primary key, account int not null references accounts, amount int not null,
    changed_at timestamptz not null default now());
  insert into accounts select i, 0 from generate_series(1, 50) i;`;

/** The whole state as one text. */
const digestSql = `select md5((select coalesce(string_agg(a::text, ';' order by id), '') from public.accounts a)
  || (select coalesce(string_agg(e::text, ';' order by id), '') from public.entries e)) as digest`;

/** What no reader may see otherwise: every entry is in its account's total. */
const lookSql = `select (select sum(total) from public.accounts)::text as total, (select count(*) from public.accounts)::text as accounts,
  (select coalesce(sum(amount), 0) from public.entries)::text as amount, (select coalesce(max(id), 0) from public.entries)::text as newest`;

/** More often, the readers would take most of the processor. */
const lookEveryMs = 20;

/** Throws at the first broken promise. */
export const receiveDays = async (options: DaysOptions): Promise<DaysReport> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-receive-days-'));
  await using server = await startPostgres();
  const site = await makeSite(folder, server, options.sinceMs ?? 5000);
  using catalog = openCatalog(join(folder, 'catalog.db'), { warn: assert.fail });
  const open = (database: string): Promise<Connection> => sessionOf(server, database);
  await using writer = await open('shop');
  await using late = await open('shop');
  const counts = { wholes: 0, partials: 0, compared: 0, cancelled: 0 };
  const random = seededRandom(options.seed);
  const days: Days = { site, catalog, open, writer, random, counts, digests: new Map(), sent: [] };
  const lateWriter = writingLate(late, random);
  await writer.query(`set search_path = public; ${schema}`);
  const readers = poll(() => open('copy'));
  try {
    for (let day = 1; day <= options.days; day += 1) {
      await capture(days, site.shop);
      counts.wholes += 1;
      for (let number = 1; number <= options.partialsADay; number += 1) {
        await writeSome(days);
        await lateWriter.goOn();
        await capture(days, site.partial);
        counts.partials += 1;
        if (random.chance(0.85)) await deliver(days); // else the network is broken
        await receive(days);
        if (number % 48 === 0) options.onRound?.(`day ${day}, ${number}: ${JSON.stringify(counts)}`);
      }
    }
  } finally {
    await readers.stop();
    await lateWriter.end();
    rmSync(folder, { recursive: true, force: true });
  }
  return { ...counts, ...readers.seen() };
};

interface Days {
  readonly site: Awaited<ReturnType<typeof makeSite>>;
  readonly catalog: Catalog;
  readonly open: (database: string) => Promise<Connection>;
  readonly writer: Connection;
  readonly random: ReturnType<typeof seededRandom>;
  readonly counts: { wholes: number; partials: number; compared: number; cancelled: number };
  /** What the sender was at each snapshot. */
  readonly digests: Map<string, string>;
  /** Snapshots that have not arrived yet. */
  readonly sent: Snapshot[];
}

const writeSome = async ({ writer, random }: Days): Promise<void> => {
  for (let count = random.integer(0, 4); count > 0; count -= 1) {
    const amount = random.integer(-50, 50);
    const account = random.integer(1, 51);
    await writer.query(`insert into public.entries (account, amount) values (${account}, ${amount});
      update public.accounts set total = total + ${amount}, changed_at = now() where id = ${account}`);
  }
};

/** A transaction that now and then stays open across captures. */
const writingLate = (connection: Connection, random: Days['random']) => {
  let isOpen = false;
  const end = async (): Promise<void> => {
    if (isOpen) await connection.query('commit');
    isOpen = false;
  };
  return {
    end,
    async goOn() {
      if (isOpen) return random.chance(0.4) ? await end() : undefined;
      if (!random.chance(0.3)) return;
      await connection.query('begin');
      await connection.query('insert into public.entries (account, amount) values (1, 0)');
      isOpen = true;
    },
  };
};

const capture = async (
  { site, catalog, writer, digests, sent }: Days,
  source: SourceConfig,
): Promise<void> => {
  const [row] = await writer.query<{ digest: string }>(digestSql);
  const task = { job: source.name, sources: [source], repositories: [{ repository: site.far }] };
  const { state, outcomes } = await runBackup(
    { ...task, tags: [], dryRun: false, anomalies: 'off' },
    { ...rememberingContext(), catalog },
  );
  const errors = outcomes.map((each) => ('error' in each ? each.error.message : ''));
  assert.equal(state, 'ok', JSON.stringify(errors));
  const [outcome] = outcomes;
  assert.ok(outcome && 'report' in outcome && outcome.report.snapshot);
  digests.set(outcome.report.snapshot.id, row?.digest ?? '');
  sent.push(outcome.report.snapshot);
};

/** Some of what was sent arrives, in any order; some of it arrives again. */
const deliver = async ({ site, random, sent }: Days): Promise<void> => {
  const all = random.shuffle(sent).filter(() => random.chance(0.75));
  for (const snapshot of all) sent.splice(sent.indexOf(snapshot), 1);
  const context = rememberingContext();
  await withRepository(site.far, { lock: 'shared' }, context, (far) =>
    withRepository(site.near, { lock: 'shared' }, context, async (near) => {
      for await (const _ of copySnapshots(far, near, all, context));
      const [again] = all;
      if (again && random.chance(0.3)) await near.copyFrom(far, again, { signal: context.signal });
    }),
  );
};

/** A run of the receiver, which may be broken off. */
const receive = async (days: Days): Promise<void> => {
  const { site, catalog, random, counts } = days;
  const stop = new AbortController();
  const breaksAt = random.chance(0.15) ? random.integer(1, 4) : Number.POSITIVE_INFINITY;
  let told = 0;
  const onEvent = (): void => {
    told += 1;
    if (told >= breaksAt) stop.abort();
  };
  const receptions = [{ source: 'shop', into: site.copy }];
  const task = { job: 'follow', from: site.near, receptions, floors: [] };
  try {
    const context = { ...rememberingContext(stop.signal), onEvent, catalog };
    const [outcome] = (await runReceive(task, context)).outcomes;
    if (!outcome || !('receipt' in outcome))
      assert.match(`${outcome?.error.message}`, /no complete snapshot/);
    else {
      assert.equal(outcome.error, undefined);
      const { mark, wholes, changes } = outcome.receipt;
      if (wholes.length + changes.length > 0) await compareWithSender(days, mark);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    counts.cancelled += 1;
  }
};

/** What readers see now is what the sender was at that snapshot. */
const compareWithSender = async (
  { open, digests, counts }: Days,
  mark: { readonly snapshot: string; readonly whole: boolean },
): Promise<void> => {
  await using reader = await open('copy');
  const [row] = await reader.query<{ digest: string }>(digestSql);
  assert.equal(
    row?.digest,
    digests.get(mark.snapshot),
    `after ${mark.whole ? 'a complete' : 'a partial'} one`,
  );
  counts.compared += 1;
};

const makeSite = async (folder: string, server: PostgresServer, sinceMs: number) => {
  await server.psql('postgres', 'create database shop');
  const file = join(folder, 'holdfast.yaml');
  const repository = (name: string): string =>
    `{ store: ${join(folder, name)}, password: { file: ${folder}/password } }`;
  writeFileSync(join(folder, 'password'), 'secret', { mode: 0o600 });
  writeFileSync(
    file,
    `repositories: { far: ${repository('far')}, near: ${repository('near')} }
sources: { shop: { kind: postgres, url: "${server.url('shop')}" }, copy: { kind: postgres, url: "${server.url('copy')}" } }
`,
    { mode: 0o600 },
  );
  const config = await loadConfig(file, {});
  const [far, near] = [repositoryNamed(config, 'far'), repositoryNamed(config, 'near')];
  for (const name of ['far', 'near']) await makeRepository(join(folder, name));
  const shop = sourceNamed(config, 'shop');
  const tables = ['accounts', 'entries'].map((table) => ({ table, by: 'changed_at' }));
  const partial = partialSource(shop, { sinceMs, tables, files: [] });
  return { far, near, shop, partial, copy: sourceNamed(config, 'copy') };
};

const sessionOf = (server: PostgresServer, database: string): Promise<Connection> => {
  const { host, port, user, password } = server;
  const settings = resolveSettings(
    { host, port: `${port}`, user, password, application_name: 'app' },
    undefined,
    {},
  );
  return connect(settings, database, new AbortController().signal);
};

/** Readers look again and again; what they see is whole, and never older than what they saw before. */
const poll = (open: () => Promise<Connection>) => {
  let stopped = false;
  let looks = 0;
  let reconnected = 0;
  let there = false;
  const look = async (): Promise<void> => {
    await using connection = await open();
    for (let again = 0; again < 20 && !stopped; again += 1) {
      const [row] = await connection.query<Record<'total' | 'accounts' | 'amount', string>>(lookSql);
      assert.deepEqual([row?.accounts, row?.total], ['50', row?.amount], 'a mixed or empty state');
      there = true;
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  };
  const done = (async () => {
    while (!stopped)
      try {
        await look();
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        if (there) reconnected += 1;
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
  })();
  done.catch(() => {}); // it is awaited at the end
  return {
    seen: () => ({ looks, reconnected }),
    async stop() {
      stopped = true;
      await done;
    },
  };
};
