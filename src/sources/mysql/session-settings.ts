// What every session of ours sets: output and input that do not depend on how the server is set up, and no time limits but our own.
import type { Version } from './version.ts';

/** A year: the server must wait for a slow store. */
const longest = 31_536_000;

const common = [
  'character_set_client = utf8mb4',
  'character_set_connection = utf8mb4',
  'character_set_results = null', // texts come as they are stored
  "sql_mode = ''",
  "time_zone = '+00:00'",
  'autocommit = 1',
  'completion_type = 0', // a commit neither ends the session nor begins anew
  'sql_select_limit = 18446744073709551615', // the default is the server's own setting
  'sql_quote_show_create = 1',
  'sql_safe_updates = 0',
  'sql_big_selects = 1',
  `wait_timeout = ${longest}`,
  `net_read_timeout = ${longest}`,
  `net_write_timeout = ${longest}`,
];

const mariadb = [
  'low_priority_updates = 0', // not everybody may set it on MySQL
  'max_statement_time = 0',
  'idle_transaction_timeout = 0',
  'idle_readonly_transaction_timeout = 0',
  'system_versioning_asof = default', // rows as they are now
];
const mysql = [
  'max_execution_time = 0',
  'information_schema_stats_expiry = 0',
  'print_identified_with_as_hex = 1', // hashes of passwords are no text
];

export const sessionSettings = ({ engine, number }: Version): readonly string[] => {
  const own = engine === 'mariadb' ? mariadb : mysql;
  const later = engine === 'mariadb' && number >= 110_200 ? ["character_set_collations = ''"] : [];
  return [`set ${[...common, ...own, ...later].join(', ')}`];
};
