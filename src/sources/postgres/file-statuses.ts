// The table `datafilestatus` of the backup scripts of Dataverse
// (https://github.com/IQSS/dataverse/blob/develop/scripts/backup/run_backup/backupdb.sql).
import type { FileStatusRow, FileStatusTable } from '../file-statuses.ts';
import type { Connection } from './connect.ts';
import type { DumpRequest } from './dump.ts';
import { connectToOne } from './query-rows.ts';

export const openFileStatuses = async (request: Omit<DumpRequest, 'onClose'>): Promise<FileStatusTable> => {
  const connection = await connectToOne(request, 'a table of file statuses');
  try {
    await connection.query('reset search_path');
    await makeTable(connection);
    return {
      keep: (rows) => keep(connection, rows),
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

/** A table that is there is left as it is: whoever made it may not have let us make others. */
const makeTable = async (connection: Connection): Promise<void> => {
  const [found] = await connection.query<{ found: boolean }>(
    `select pg_catalog.to_regclass('datafilestatus') is not null as found`,
  );
  if (found?.found) return;
  await connection.query(`create table datafilestatus (
    id serial primary key,
    datasetidentifier character varying(255),
    storageidentifier character varying(255) unique,
    status character varying(255),
    createdate timestamp without time zone,
    lastbackuptime timestamp without time zone,
    lastbackupmethod character varying(16)
  )`);
};

/** Its columns take 255 characters. What is longer is cut, with its MD5, so that two such files are still told apart. */
const fitting = (column: string): string =>
  `case when pg_catalog.length(${column}) <= 255 then ${column}
     else pg_catalog.left(${column}, 222) || '-' || pg_catalog.md5(${column}) end as ${column}`;

/** The table has a storage identifier once, whatever its dataset. */
const keep = async (connection: Connection, rows: readonly FileStatusRow[]): Promise<void> => {
  const newest = new Map(rows.map((row) => [row.storage, row]));
  const json = [...newest.values()].map(({ dataset, storage, status, created, at, method }) => ({
    ...{ dataset, storage, status, method },
    created: created ?? null,
    at: at.toISOString(),
  }));
  await connection.query(
    `with wanted as (
       select ${fitting('dataset')}, ${fitting('storage')}, status, created, at, method
         from pg_catalog.json_to_recordset($1::json)
         as r (dataset text, storage text, status text, created timestamp, at timestamp, method text)
     ), updated as (
       update datafilestatus d set status = w.status, createdate = w.created, lastbackuptime = w.at,
           lastbackupmethod = pg_catalog.left(w.method, 16), datasetidentifier = w.dataset
         from wanted w where d.storageidentifier = w.storage returning d.storageidentifier
     )
     insert into datafilestatus (status, createdate, lastbackuptime, lastbackupmethod, datasetidentifier, storageidentifier)
       select w.status, w.created, w.at, pg_catalog.left(w.method, 16), w.dataset, w.storage from wanted w
         where w.storage not in (select storageidentifier from updated)`,
    [JSON.stringify(json)],
  );
};
