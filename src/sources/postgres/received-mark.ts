// What a database has received, in a table of its own: it changes in the transaction that changes the data, and goes where that goes.
import { type Mark, markSchema } from '../receiver.ts';
import type { Connection } from './connect.ts';

const table = 'holdfast.received';

/** Undefined where nothing was received. */
export const readMark = async (connection: Connection, lock = ''): Promise<Mark | undefined> => {
  const [there] = await connection.query<{ there: boolean }>(
    `select pg_catalog.to_regclass('${table}') is not null as there`,
  );
  if (!there?.there) return undefined;
  const [row] = await connection.query<{ mark: unknown }>(`select mark from ${table} ${lock}`);
  return row === undefined ? undefined : markSchema.parse(row.mark);
};

export const writeMark = async (connection: Connection, mark: Mark): Promise<void> => {
  await connection.query(`create schema if not exists holdfast;
    create table if not exists ${table} (received_at timestamptz not null default now(), mark jsonb not null);
    delete from ${table}`);
  await connection.query(`insert into ${table} (mark) values ($1)`, [JSON.stringify(mark)]);
};
