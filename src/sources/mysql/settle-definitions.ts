// What cannot change its place with the tables of a database, made where they are now: its options, views, routines, triggers, and
// the defaults that take numbers from sequences.
import { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
import { listRelations } from './listing.ts';
import { pointAtSequences } from './move-tables.ts';
import { restorePrograms } from './restore-programs.ts';
import type { SqlItem } from './sql-items.ts';
import { dropTriggers, triggersIn, waitingFor } from './swap-tables.ts';
import type { TargetServer } from './target-server.ts';

export interface Settling {
  /** The database's name in the snapshot, and here. */
  readonly from: string;
  readonly name: string;
  readonly items: readonly SqlItem[];
  /** Views and routines are there, and as they should be, and so are triggers, but for those that are missing. */
  readonly hasPrograms: boolean;
  /** For a table that somebody uses. */
  readonly waitSeconds: number;
}

/** Goes on also when the run is cancelled, for as long as it may wait for a table. */
export const settleDefinitions = async (
  target: TargetServer,
  { from, name, items, hasPrograms, waitSeconds }: Settling,
): Promise<void> => {
  const { admin } = target;
  await admin.run(waitingFor(waitSeconds));
  for (const item of items)
    if (item.type === 'table') await pointAtSequences(admin, item, from, name);
    else if (item.type === 'database' && !hasPrograms) await target.setOptions(name, item.statement);
  if (!hasPrograms) await dropPrograms(admin, name);
  const triggers = await triggersIn(admin, name);
  const wanted = items.filter((item) =>
    item.type === 'trigger' ? !triggers.includes(item.name) : isProgram(item) && !hasPrograms,
  );
  await using connection = await target.connectTo(name, new AbortController().signal); // after its options are set
  await connection.run(waitingFor(waitSeconds));
  const reporter = new Reporter({ force: false, rename: [] });
  await restorePrograms(connection, wanted, { database: from, name, parts: 'everything' }, reporter);
  const [failure] = reporter.failures;
  if (failure) throw failure.error;
};

const isProgram = ({ type }: SqlItem): boolean => type !== 'table' && type !== 'database';

const dropPrograms = async (admin: Connection, name: string): Promise<void> => {
  await dropTriggers(admin, name);
  for (const view of await listRelations(admin, name))
    if (view.kind === 'view') await admin.run(`drop view ${quoteName(name, view.name)}`);
  const routines = await admin.query<{ db: string; name: string; type: string }>(
    `select routine_schema as db, routine_name as name, routine_type as type
      from information_schema.routines where routine_schema = ${quoteLiteral(name)}`,
  );
  for (const { db, type, name: routine } of routines)
    if (db === name) await dropRoutine(admin, type, quoteName(name, routine));
};

/** MariaDB knows packages in its mode for Oracle only; the body of one goes with it. */
const dropRoutine = async (admin: Connection, type: string, name: string): Promise<void> => {
  if (type === 'PACKAGE BODY') return;
  if (type === 'PACKAGE') await admin.run(`set @mode = @@sql_mode, sql_mode = 'ORACLE'`);
  await admin.run(`drop ${type} ${name}`);
  if (type === 'PACKAGE') await admin.run('set sql_mode = @mode');
};
