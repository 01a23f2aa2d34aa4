// Orders of the console of many sites: what a site made of those that it found, and which a console gave.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { mayBeAlive, type ProcessIdentity } from '#lib/process-identity.ts';
import { explained } from './database.ts';
import { runsOfOrder } from './read.ts';
import type { Run } from './run.ts';
import { inTransaction } from './transaction.ts';

/** An order that is taken, or refused. */
export interface AnsweredOrder {
  /** Of what is no order, the name under which it lay. */
  readonly id: string;
  /** When it was given, by the console's clock; absent for what is no order. */
  readonly at?: Date;
  readonly jobs: readonly string[];
  readonly takenAt: Date;
  /** Why it was not taken. */
  readonly refused?: string;
}

/** An order with what came of it. */
export interface OrderRecord extends AnsweredOrder {
  readonly runs: readonly Run[];
  /** The process that took it may still have runs of it before it. */
  readonly isUnderWay: boolean;
}

export interface GivenOrder {
  readonly id: string;
  readonly site: string;
  readonly at: Date;
  readonly until: Date;
  readonly jobs: readonly string[];
}

/** What is written is durable when the call returns. */
export interface OrderLedger {
  /** Remembers that this process takes or refuses them; returns those of which nothing was remembered before. */
  answer(orders: readonly AnsweredOrder[]): AnsweredOrder[];
  isAnswered(id: string): boolean;
  /** When the newest was given of those that were taken. */
  newestTaken(): Date | undefined;
  /** The newest of those that were orders, and of what was none. */
  answered(limits: { readonly orders: number; readonly others: number }): OrderRecord[];
  give(order: GivenOrder): void;
  /** To all sites, the newest first. */
  given(): GivenOrder[];
  /** It was never given. */
  withdraw(id: string): void;
  /** Nothing was ever given to it. */
  forget(site: string): void;
}

/** Of those taken, of those refused, of what was no order, and of those given to a site, so many are remembered. What is forgotten is older than one that was taken. */
const kept = 100;

export const orderLedger = (database: DatabaseSync, path: string, process: ProcessIdentity): OrderLedger => ({
  answer: (orders) =>
    explained(path, () => {
      let added: AnsweredOrder[] = [];
      inTransaction(database, () => {
        added = orders.filter((order) => insertAnswer(database, order, process));
        database.exec(forgetAnswersSql);
      });
      return added;
    }),
  isAnswered: (id) =>
    explained(path, () => database.prepare('SELECT 1 FROM orders WHERE id = ?').get(id) !== undefined),
  newestTaken: () =>
    explained(path, () => {
      const row = database.prepare('SELECT max(at_ms) AS at_ms FROM orders WHERE refused IS NULL').get();
      return typeof row?.at_ms === 'number' ? new Date(row.at_ms) : undefined;
    }),
  answered: ({ orders, others }) =>
    explained(path, () =>
      [
        ...database.prepare(`${answeredSql} at_ms IS NOT NULL ORDER BY at_ms DESC LIMIT ?`).all(orders),
        ...database.prepare(`${answeredSql} at_ms IS NULL ORDER BY taken_ms DESC LIMIT ?`).all(others),
      ].map((row) => recordOf(database, row)),
    ),
  give: ({ id, site, at, until, jobs }) =>
    explained(path, () => {
      database
        .prepare('INSERT INTO orders_given VALUES (?, ?, ?, ?, ?)')
        .run(id, site, at.getTime(), until.getTime(), JSON.stringify(jobs));
      database.prepare(forgetGivenSql).run(site, kept);
    }),
  given: () =>
    explained(path, () =>
      database
        .prepare('SELECT * FROM orders_given ORDER BY at_ms DESC')
        .all()
        .map((row) => givenRow.parse(row)),
    ),
  withdraw: (id) =>
    explained(path, () => {
      database.prepare('DELETE FROM orders_given WHERE id = ?').run(id);
    }),
  forget: (site) =>
    explained(path, () => {
      database.prepare('DELETE FROM orders_given WHERE site = ?').run(site);
    }),
});

const answeredSql = 'SELECT * FROM orders WHERE';

const forgetAnswersSql = `DELETE FROM orders WHERE id IN (
  SELECT id FROM (SELECT id, row_number() OVER (
    PARTITION BY at_ms IS NULL, refused IS NULL ORDER BY coalesce(at_ms, taken_ms) DESC) AS place FROM orders)
  WHERE place > ${kept})`;

const forgetGivenSql = `DELETE FROM orders_given WHERE id IN (
  SELECT id FROM orders_given WHERE site = ? ORDER BY at_ms DESC LIMIT -1 OFFSET ?)`;

const insertAnswer = (
  database: DatabaseSync,
  { id, at, jobs, takenAt, refused }: AnsweredOrder,
  { host, pid, started }: ProcessIdentity,
): boolean => {
  const when = [at?.getTime() ?? null, JSON.stringify(jobs), takenAt.getTime()] as const;
  const { changes } = database
    .prepare('INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(id, ...when, refused ?? null, host, pid, started);
  return changes === 1;
};

const time = z.number().transform((ms) => new Date(ms));
const jobs = z.string().transform((text) => z.array(z.string()).parse(JSON.parse(text)));

const answeredRow = z.object({
  id: z.string(),
  at_ms: time.nullable(),
  jobs,
  taken_ms: time,
  refused: z.string().nullable(),
  host: z.string(),
  pid: z.number(),
  process_started: z.string(),
});

const recordOf = (database: DatabaseSync, row: Record<string, SQLOutputValue>): OrderRecord => {
  const found = answeredRow.parse(row);
  return {
    id: found.id,
    ...(found.at_ms && { at: found.at_ms }),
    jobs: found.jobs,
    takenAt: found.taken_ms,
    ...(found.refused !== null && { refused: found.refused }),
    runs: runsOfOrder(database, found.id),
    isUnderWay: mayBeAlive({ host: found.host, pid: found.pid, started: found.process_started }),
  };
};

const givenRow = z
  .object({ id: z.string(), site: z.string(), at_ms: time, until_ms: time, jobs })
  .transform(({ at_ms: at, until_ms: until, ...given }): GivenOrder => ({ ...given, at, until }));
