// The tables of troubles and deliveries.
import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { explained } from './database.ts';
import { errorColumns, errorIn } from './error-columns.ts';
import { errorRow } from './error-row.ts';
import { insertRow } from './insert-row.ts';
import type { Delivery, NoticeLedger, NotifierState, Trouble } from './notice.ts';
import { latestMsAt } from './wrong-clock.ts';

/** Deliveries are remembered for so long. */
const rememberedMs = 400 * 86_400_000;

/** The notices of the catalog in that file. */
export const noticeLedger = (database: DatabaseSync, path: string): NoticeLedger => {
  const troubles = (where: string, ...values: readonly SQLInputValue[]): Trouble[] =>
    database
      .prepare(`SELECT * FROM troubles WHERE ${where} ORDER BY since_ms, id`)
      .all(...values)
      .map(troubleOf);
  const openTrouble = (subject: string): Trouble | undefined =>
    troubles('subject = ? AND ended_ms IS NULL', subject)[0];
  const lastDelivery = (now: Date, rest: string, ...values: readonly SQLInputValue[]): Delivery[] =>
    database
      .prepare(`SELECT * FROM deliveries WHERE ${rest} ORDER BY at_ms > ?, at_ms DESC, rowid DESC LIMIT 1`)
      .all(...values, latestMsAt(now))
      .map(deliveryOf);
  return {
    trouble: (subject) => explained(path, () => openTrouble(subject)),
    troubles: () => explained(path, () => troubles('ended_ms IS NULL')),
    worsen: (subject, event, text, at) =>
      explained(path, () => {
        const row = { id: randomUUID(), subject, event, text, at: at.getTime() };
        database
          .prepare(
            `INSERT INTO troubles (id, subject, event, text, since_ms, last_ms, runs)
             VALUES (:id, :subject, :event, :text, :at, :at, 1)
             ON CONFLICT (subject) WHERE ended_ms IS NULL
             DO UPDATE SET event = :event, text = :text, last_ms = :at, runs = runs + 1`,
          )
          .run(row);
        return openTrouble(subject) as Trouble;
      }),
    end: (subject, at) =>
      explained(path, () => {
        const trouble = openTrouble(subject);
        if (trouble)
          database.prepare('UPDATE troubles SET ended_ms = ? WHERE id = ?').run(at.getTime(), trouble.id);
        return trouble;
      }),
    record: (delivery) => explained(path, () => insert(database, delivery)),
    lastTold: (notifier, filter, now) =>
      explained(path, () => {
        const [column, value] = 'trouble' in filter ? ['trouble', filter.trouble] : ['event', filter.event];
        return lastDelivery(now, `notifier = ? AND ${column} = ? AND error_code IS NULL`, notifier, value)[0];
      }),
    notifiers: (now) =>
      explained(path, () =>
        database
          .prepare('SELECT DISTINCT notifier FROM deliveries ORDER BY notifier')
          .all()
          .flatMap(({ notifier }): NotifierState[] => {
            const name = String(notifier);
            const [last] = lastDelivery(now, 'notifier = ?', name);
            const [worked] = lastDelivery(now, 'notifier = ? AND error_code IS NULL', name);
            return last ? [{ notifier: name, last, ...(worked && { worked: worked.at }) }] : [];
          }),
      ),
  };
};

const insert = (database: DatabaseSync, delivery: Delivery): void => {
  const { at, notifier, event, title, job, run, trouble, attempts, error } = delivery;
  const row = {
    at_ms: at.getTime(),
    notifier,
    event,
    title,
    job: job ?? null,
    run: run ?? null,
    trouble: trouble ?? null,
    attempts,
    ...errorRow(error),
  };
  insertRow(database, 'deliveries', row);
  database.prepare('DELETE FROM deliveries WHERE at_ms < ?').run(at.getTime() - rememberedMs);
};

const text = z.string();
const count = z.number();

const troubleRow = z.object({
  id: text,
  subject: text,
  event: text,
  text,
  since_ms: count,
  last_ms: count,
  runs: count,
});

const troubleOf = (row: Record<string, SQLOutputValue>): Trouble => {
  const { since_ms, last_ms, ...found } = troubleRow.parse(row);
  return { ...found, since: new Date(since_ms), last: new Date(last_ms) };
};

const deliveryRow = z.object({
  at_ms: count,
  notifier: text,
  event: text,
  title: text,
  job: text.nullable(),
  run: text.nullable(),
  trouble: text.nullable(),
  attempts: count,
  ...errorColumns,
});

const deliveryOf = (row: Record<string, SQLOutputValue>): Delivery => {
  const { at_ms, notifier, event, title, job, run, trouble, attempts, ...error } = deliveryRow.parse(row);
  return {
    at: new Date(at_ms),
    ...{ notifier, event, title, attempts },
    ...(job !== null && { job }),
    ...(run !== null && { run }),
    ...(trouble !== null && { trouble }),
    ...errorIn(error),
  };
};
