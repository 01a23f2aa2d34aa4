// Tables out of the database in which they were loaded, into the one where they belong.
import { bytesOf } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { parseCreateTable } from './create-table.ts';
import { quoteName } from './identifiers.ts';
import { inDatabase } from './make-tables.ts';
import type { SqlItem } from './sql-items.ts';
import { namesDatabase } from './tables.ts';

export interface Move {
  /** Sequences and tables, as the backup has them. */
  readonly items: readonly SqlItem[];
  /** The database's name in the backup. */
  readonly database: string;
  readonly from: string;
  readonly to: string;
}

/** How many tables one statement moves. */
const batchSize = 200;

export const moveTables = async (admin: Connection, { items, database, from, to }: Move): Promise<void> => {
  for (let at = 0; at < items.length; at += batchSize) {
    const moves = items
      .slice(at, at + batchSize)
      .map(({ name }) => `${quoteName(from, name)} to ${quoteName(to, name)}`);
    await admin.run(`rename table ${moves.join(', ')}`);
  }
  for (const item of items) if (item.type === 'table') await pointAtSequences(admin, item, database, to);
};

/** Defaults still take numbers from the sequences where these were. */
export const pointAtSequences = async (
  admin: Connection,
  { name, statement }: SqlItem,
  database: string,
  to: string,
): Promise<void> => {
  const table = parseCreateTable(statement);
  if (!table || !namesDatabase(table, database)) return;
  for (const part of table.parts) {
    const column = inDatabase(part, database, to);
    if (part.startsWith('`') && namesDatabase({ parts: [part], options: '' }, database))
      await admin.run(
        bytesOf(`ALTER TABLE ${Buffer.from(quoteName(to, name)).toString('latin1')} MODIFY COLUMN ${column}`),
      );
  }
};
