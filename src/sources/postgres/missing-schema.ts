// The schema that a table goes into, where the database does not have it.
import type { Connection } from './connect.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import type { ItemRunner } from './run-items.ts';
import type { SqlItem } from './sql-items.ts';
import { isOfSchema } from './table-items.ts';

/** Makes it as it was captured, with owner and privileges; one that the snapshot does not define belongs to who restores. */
export const makeMissingSchema = async (
  connection: Connection,
  schema: string,
  { runner, preData }: { readonly runner: ItemRunner; readonly preData: readonly SqlItem[] },
): Promise<void> => {
  const [row] = await connection.query<{ exists: boolean }>(
    `select to_regnamespace(${quoteLiteral(quoteIdentifier(schema))}) is not null as exists`,
  );
  if (row?.exists) return;
  const items = preData.filter((item) => item.schema === '-' && isOfSchema(item, schema));
  if (!items.some(({ type }) => type === 'SCHEMA'))
    await connection.query(`create schema ${quoteIdentifier(schema)}`);
  for (const item of items) await runner.run(connection, item, 'transaction');
};
