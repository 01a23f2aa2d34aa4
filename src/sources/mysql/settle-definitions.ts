// What cannot change its place with the tables of a database, made where they are now: its options, views, routines, triggers, and
// the defaults that take numbers from sequences.
import { Reporter } from '../restore-report.ts';
import type { Connection } from './connect.ts';
import { quoteLiteral, quoteName } from './identifiers.ts';
import { listRelations } from './listing.ts';
import { isLocked, type LockPatience, patiently, waitingFor } from './lock-patience.ts';
import { pointAtSequences } from './move-tables.ts';
import { makePrograms, type Unmade } from './restore-programs.ts';
import type { SqlItem } from './sql-items.ts';
import { dropTriggers, triggersIn } from './swap-tables.ts';
import type { TargetServer } from './target-server.ts';

export interface Settling {
  /** The database's name in the snapshot, and here. */
  readonly from: string;
  readonly name: string;
  readonly items: readonly SqlItem[];
  /** Views and routines are there, and as they should be, and so are triggers, but for those that are missing. */
  readonly hasPrograms: boolean;
  /** For what somebody uses. */
  readonly patience: LockPatience;
}

/** Goes on also when the run is cancelled, for a minute; what is then lacking is made by the next one. */
export const settleDefinitions = async (
  target: TargetServer,
  { from, name, items, hasPrograms, patience }: Settling,
): Promise<void> => {
  const { admin } = target;
  for (const item of items)
    if (item.type === 'table')
      await patiently(admin, patience, () => pointAtSequences(admin, item, from, name));
    else if (item.type === 'database' && !hasPrograms) await target.setOptions(name, item.statement);
  if (!hasPrograms) await patiently(admin, patience, () => dropPrograms(admin, name));
  const there = await triggersIn(admin, name);
  const programs = items.filter((item) => isProgram(item) && !hasPrograms);
  const triggers = items.filter((item) => item.type === 'trigger' && !there.includes(item.name));
  await using connection = await target.connectTo(name, target.late); // after its options are set
  await connection.run(waitingFor(patience.seconds));
  const reporter = new Reporter({ force: false, rename: [] });
  const make = (some: readonly SqlItem[]): Promise<readonly Unmade[]> =>
    makePrograms(connection, some, { database: from, name, parts: 'everything' }, reporter);
  const unmade = [...(await make(programs))];
  // One after the other, for those of a table act in the order in which they were made.
  for (const trigger of triggers)
    unmade.push(
      ...(await patiently(connection, patience, async () => {
        const [failure] = await make([trigger]);
        if (failure && isLocked(failure.error)) throw failure.error;
        return failure ? [failure] : [];
      })),
    );
  const [failure] = await make(unmade.map(({ item }) => item));
  if (failure) throw failure.error;
};

const isProgram = ({ type }: SqlItem): boolean => !['table', 'database', 'trigger'].includes(type);

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
