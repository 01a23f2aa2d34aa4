// What a database has received, in a table of its own, which changes its place together with the others; and the definitions that
// cannot: they are made again when the tables are in their place.
import { type Mark, markSchema } from '../receiver.ts';
import { bytesOf } from './binary-text.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
import { errno, errnoOf } from './server-error.ts';

const table = 'holdfast_received';

export interface Kept {
  readonly mark: Mark;
  /** The database's name in the snapshot. */
  readonly from: string;
  /** A script of what was made after the rows came. */
  readonly definitions: Buffer;
  /** False while what belongs to the tables is not all there. */
  readonly settled: boolean;
}

interface Row {
  readonly mark: string;
  readonly source: string;
  readonly definitions: string;
  readonly settled: string;
}

/** Undefined where nothing was received. */
export const readKept = async (connection: Connection, database: string): Promise<Kept | undefined> => {
  try {
    const [row] = await connection.queryBytes<Row>(
      `select mark, source, definitions, settled from ${quoteName(database, table)}`,
    );
    return (
      row && {
        mark: markSchema.parse(JSON.parse(row.mark)),
        from: bytesOf(row.source).toString('utf8'),
        definitions: bytesOf(row.definitions),
        settled: row.settled === '1',
      }
    );
  } catch (error) {
    if ([errno.noSuchTable, errno.unknownDatabase].some((number) => number === errnoOf(error)))
      return undefined;
    throw error;
  }
};

/** Whatever table of that name the snapshot has tells of the sender's own receiving. */
export const writeKept = async (
  connection: Connection,
  database: string,
  { mark, from, definitions, settled }: Kept,
): Promise<void> => {
  const name = quoteName(database, table);
  await connection.run(`drop table if exists ${name}`);
  await connection.run(`create table ${name} (id tinyint not null primary key, mark text character set ascii not null,
    source varchar(64) character set utf8mb4 not null, definitions longblob not null, settled tinyint not null) engine=InnoDB`);
  const values = [
    quoteLiteral(JSON.stringify(mark)),
    quoteLiteral(from),
    `x'${definitions.toString('hex')}'`,
  ];
  await connection.run(`insert into ${name} values (1, ${values.join(', ')}, ${settled ? 1 : 0})`);
};

export const setSettled = async (
  connection: Connection,
  database: string,
  settled: boolean,
): Promise<void> => {
  await connection.run(`update ${quoteName(database, table)} set settled = ${settled ? 1 : 0}`);
};
