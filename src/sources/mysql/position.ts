// Where in the server's history a state is: what a replica or a recovery to a point in time would go on from.
import type { Connection } from './connect.ts';
import { quoteLiteral } from './identifiers.ts';
import { isDenied, ServerError } from './server-error.ts';

export type Position = Readonly<Record<string, string>>;

/** Of a MariaDB transaction with a consistent snapshot: exact, whatever was committed since. Empty without a binary log. */
export const snapshotPosition = async (reader: Connection): Promise<Position> => {
  if (reader.version.engine !== 'mariadb') return {};
  const rows = await reader.query<{ Variable_name: string; Value: string }>(
    "show status like 'binlog_snapshot_%'",
  );
  const values = new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  const file = values.get('binlog_snapshot_file');
  const position = values.get('binlog_snapshot_position');
  if (!file || !position) return {};
  const [row] = await reader.query<{ gtid: string | null }>(
    `select binlog_gtid_pos(${quoteLiteral(file)}, ${Number(position)}) as gtid`,
  );
  return { binlog_file: file, binlog_position: position, ...(row?.gtid && { gtid: row.gtid }) };
};

/** Of the server as it is now; only in a moment of stillness it is the state's. Empty without a binary log or the right to ask. */
export const serverPosition = async (connection: Connection): Promise<Position> => {
  if (connection.version.engine === 'mariadb') return {};
  const statement = connection.version.number >= 80_200 ? 'show binary log status' : 'show master status';
  const [log] = await allowed(connection.query<{ File: string; Position: string }>(statement));
  const [row] = await connection.query<{ gtid: string; server: string }>(
    'select @@global.gtid_executed as gtid, @@global.server_uuid as server',
  );
  return {
    ...(log && { binlog_file: log.File, binlog_position: log.Position }),
    ...(row?.gtid && { gtid: row.gtid.replaceAll('\n', '') }),
    ...(row && { server_uuid: row.server }),
  };
};

const allowed = async <Row>(rows: Promise<Row[]>): Promise<Row[]> => {
  try {
    return await rows;
  } catch (error) {
    if (error instanceof ServerError && isDenied(error)) return [];
    throw error;
  }
};
