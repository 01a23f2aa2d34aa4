// Where in the server's history a state is: what a replica or a recovery to a point in time would go on from.
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
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

/**
 * Whether each commit moves the binary log on: not those that a replica of MariaDB takes over, unless it is told to log them, too.
 * A replica of a server without GTIDs has no position, but it runs.
 */
export const logsAll = async (connection: Connection): Promise<boolean> => {
  const [row] = await connection.query<{ logged: string }>(
    `select @@log_slave_updates or (@@gtid_slave_pos = '' and (select variable_value from information_schema.global_status
      where variable_name = 'SLAVES_RUNNING') = '0') as logged`,
  );
  return row?.logged === '1';
};

/**
 * Of a replica of MariaDB, what it has taken over in the state, as it is written down with the rows. Empty for others, and without
 * the right to read it.
 */
export const appliedPosition = async (reader: Connection): Promise<Position> => {
  if (reader.version.engine !== 'mariadb') return {};
  // With gtid_pos_auto_engines there are several; whoever may not read one does not see it.
  const tables = await reader.query<{ name: string }>(
    `select table_name as name from information_schema.tables
      where table_schema = 'mysql' and table_name like 'gtid\\_slave\\_pos%' and engine = 'InnoDB'`,
  );
  if (tables.length === 0) return {};
  const all = tables.map(({ name }) => `select * from ${quoteName('mysql', name)}`).join(' union all ');
  const [row] = await allowed(
    reader.query<{ gtid: string | null }>(
      `with applied as (${all}) select group_concat(concat_ws('-', domain_id, server_id, seq_no) order by domain_id) as gtid
        from applied join (select domain_id, max(sub_id) as sub_id from applied group by domain_id) newest using (domain_id, sub_id)`,
    ),
  );
  return row?.gtid ? { gtid_slave_pos: row.gtid } : {};
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
