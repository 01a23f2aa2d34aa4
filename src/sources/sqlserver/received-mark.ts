// What a database has received, in a table of its own, which goes where the database goes.
import { type Mark, markSchema } from '../receiver.ts';
import type { Connection } from './connect.ts';
import { quoteText } from './identifiers.ts';

const schema = 'holdfast';
const table = `${schema}.received`;

/** Undefined where nothing was received. */
export const readMark = async (connection: Connection): Promise<Mark | undefined> => {
  const [found] = await connection.query<{ id: number | null }>(`SELECT OBJECT_ID(N'${table}', N'U') AS id`);
  if (typeof found?.id !== 'number') return undefined;
  const [row] = await connection.query<{ mark: string }>(`SELECT mark FROM ${table}`);
  return row && markSchema.parse(JSON.parse(row.mark));
};

/** Whatever table of that name the snapshot has tells of the sender's own receiving. */
export const writeMark = async (connection: Connection, mark: Mark): Promise<void> => {
  await connection.run(
    `IF SCHEMA_ID(N'${schema}') IS NULL EXEC(N'CREATE SCHEMA ${schema}')`,
    `IF OBJECT_ID(N'${table}', N'U') IS NOT NULL DROP TABLE ${table}`,
    `CREATE TABLE ${table} (received_at datetime2 NOT NULL DEFAULT sysutcdatetime(), mark nvarchar(4000) NOT NULL)`,
    `INSERT INTO ${table} (mark) VALUES (${quoteText(JSON.stringify(mark))})`,
  );
};
