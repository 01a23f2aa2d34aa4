// The end of a restore: what came is held against the manifest, then gets its indexes, triggers and settings, and is checked.
import { HoldfastError } from '#lib/errors.ts';
import { combine, noRows } from '#lib/row-checksum.ts';
import { type Manifest, type ManifestTable, manifestName } from '../manifest.ts';
import { foreignKeyWarnings } from './damage.ts';
import { foldName, quoteName, sameName } from './identifiers.ts';
import { copyRows, makeInternalTable } from './internal-tables.ts';
import { choosesTables, createFile, dataPath, finishFile } from './layout.ts';
import { definitionAs, dropExisting, makeDefinition, makeVirtualTables } from './make-definition.ts';
import { incomplete, type LoadedTable, type Restore } from './restore-state.ts';
import type { Definition, Schema } from './schema.ts';

/** Completes the target and ends its transaction; returns what the user should know. */
export const finishRestore = async (restore: Restore): Promise<readonly string[]> => {
  const { manifest, tables, finish, target, loaded } = restore;
  if (tables === undefined) throw incomplete(createFile);
  if (finish === undefined) throw incomplete(finishFile);
  if (manifest === undefined) throw incomplete(manifestName);
  compareWith(manifest, restore);
  const whole = isWhole(restore, manifest);
  if (whole && target.isNew) keepEmpty(restore, manifest);
  const schema = finishedSchema(restore, finish, whole);
  target.dropOthers(new Set(loaded.keys()));
  restoreInternal(restore, schema, whole);
  makeVirtualTables(target, virtualTablesOf(restore, manifest, schema, whole));
  makeOthers(restore, schema, whole);
  if (target.isNew) {
    const { user_version, application_id } = schema.settings;
    target.db.exec(`PRAGMA user_version=${user_version}; PRAGMA application_id=${application_id}`);
  }
  const made = [...loaded.values()].map(({ table }) => table);
  const lacking = whole ? manifest.missing : [];
  const warnings = [
    ...lacking.map(({ name, reason }) => `${name} is not in the snapshot: ${reason}`),
    ...foreignKeyWarnings(target.db, made),
  ];
  return [...warnings, ...(await target.commit(made, manifest.position.journal_mode ?? 'delete'))];
};

/** Throws unless every table that came is as it was captured. What is left of a table that was not captured is left out. */
const compareWith = (manifest: Manifest, { loaded, target }: Restore): void => {
  const parts = Map.groupBy(
    [...loaded.values()],
    ({ table, nameInSnapshot }) => table.owner ?? nameInSnapshot,
  );
  const captured = new Map(manifest.tables.map((table) => [foldName(table.name), table]));
  for (const [name, came] of parts) {
    const recorded = captured.get(foldName(name));
    if (recorded) compare(name, recorded, came);
    else if (!manifest.missing.some((each) => sameName(each.name, name)))
      throw notAsCaptured(`table ${name} is not in the manifest`);
    else
      for (const { table } of came) {
        loaded.delete(table.name);
        if (target.isNew) target.db.exec(`DELETE FROM main.${quoteName(table.name)}`);
        else dropExisting(target.db, table.name);
      }
  }
};

const compare = (name: string, recorded: ManifestTable, came: readonly LoadedTable[]): void => {
  const lost = recorded.entries.filter((path) => !came.some((each) => each.path === path));
  if (lost.length > 0) throw notAsCaptured(`table ${name} came without ${lost.join(', ')}`);
  const count = came.reduce((sum, each) => combine(sum, each.count), noRows);
  if (recorded.rows === count.rows && recorded.checksum === count.checksum) return;
  throw notAsCaptured(
    `table ${name} is not as it was captured: ${describe(count)} came, the manifest says ${describe(recorded)}`,
  );
};

const notAsCaptured = (message: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', message, {
    hint: 'nothing was changed; restore all of the table, check the repository, or take another snapshot',
  });

const describe = ({ rows, checksum }: Pick<ManifestTable, 'rows' | 'checksum'>): string =>
  `${rows} rows with the checksum ${checksum}`;

/** Whether all the snapshot has is being restored, rather than tables chosen from it, be they all it has. */
const isWhole = ({ loaded, failures, into }: Restore, { tables }: Manifest): boolean => {
  if (choosesTables(into) || into.rename.length > 0) return false;
  const came = new Set([
    ...[...loaded.values()].map(({ path }) => path),
    ...failures.map(({ path }) => path),
  ]);
  return tables.every(({ entries }) => entries.every((path) => came.has(path)));
};

/** What was not captured is there without rows, as in a database of any other engine; a virtual table is nothing without them. */
const keepEmpty = ({ loaded, tables, target }: Restore, { missing }: Manifest): void => {
  for (const table of tables?.schema.tables ?? []) {
    const { name } = table;
    if (table.owner !== undefined || !missing.some((each) => sameName(each.name, name))) continue;
    target.makeTable(table);
    loaded.set(name, { table, nameInSnapshot: name, path: dataPath(name), count: noRows });
  }
};

/** The schema with what finish.sql adds, under the names of the target. */
const finishedSchema = (restore: Restore, finish: string, whole: boolean): Schema => {
  const { scratch, into, loaded, failures } = restore;
  const failed = scratch.failures.length;
  scratch.rename(into.rename.map(([from, to]) => [to, from] as const));
  scratch.load(finish);
  for (const { table, error } of scratch.failures.slice(failed)) {
    const concerned = [...loaded.values()].some(({ nameInSnapshot }) =>
      sameName(nameInSnapshot, table ?? ''),
    );
    if (whole || concerned) failures.push({ path: finishFile, error });
  }
  // A view or trigger that is broken, as old ones often are, would stand in the way of renaming.
  if (into.rename.length > 0) {
    const kept = new Set([...loaded.values()].map(({ nameInSnapshot }) => nameInSnapshot));
    for (const { type, name, table } of scratch.schema().others)
      if (type === 'view' || (type === 'trigger' && !kept.has(table))) scratch.drop(type, name);
  }
  for (const [from, to] of into.rename)
    if (!loaded.has(to))
      throw new HoldfastError('USAGE', `${from} was to be renamed, but is not among what is restored`, {
        hint: 'choose the table as well, or leave out the renaming',
      });
  scratch.rename(into.rename);
  return scratch.schema();
};

/** The virtual tables whose data came; for a whole database also those without data of their own. */
const virtualTablesOf = (
  { loaded, target }: Restore,
  { missing }: Manifest,
  { virtualTables }: Schema,
  whole: boolean,
): Definition[] => {
  const came = virtualTables.filter(({ name }) =>
    [...loaded.values()].some(({ table }) => table.owner === name),
  );
  if (!whole) return came;
  const others = virtualTables.filter(
    (each) => !came.includes(each) && !missing.some(({ name }) => sameName(name, each.name)),
  );
  if (!target.isNew) for (const { name } of others) dropExisting(target.db, name);
  return [...came, ...others];
};

/** Counters of AUTOINCREMENT for the tables that came, and for a whole database its statistics. */
const restoreInternal = (
  { scratch, target, loaded }: Restore,
  { internal }: Schema,
  whole: boolean,
): void => {
  for (const table of internal) {
    const isSequence = table.name === 'sqlite_sequence';
    const all = whole && target.isNew;
    if (!isSequence && !all) continue;
    if (all) makeInternalTable(target, table);
    copyRows(scratch.db, target.db, table, all ? undefined : [...loaded.keys()]);
  }
};

const makeOthers = ({ target, loaded, into }: Restore, { others }: Schema, whole: boolean): void => {
  const views = whole ? others.filter(({ type }) => type === 'view').map(({ name }) => name) : [];
  for (const definition of others) {
    const { type, name, table } = definition;
    if (type === 'view' ? !whole : !loaded.has(table) && !views.includes(table)) continue;
    if (type === 'view' && !target.isNew) dropExisting(target.db, name);
    const renamed = into.rename.find(([, to]) => to === table);
    makeDefinition(target, renamed ? definitionAs(definition, besideName(name, renamed)) : definition);
  }
};

/** orders_by_date of orders becomes orders_old_by_date of orders_old, by_date becomes by_date_orders_old. */
const besideName = (name: string, [from, to]: readonly [string, string]): string =>
  name.includes(from) ? name.replaceAll(from, to) : `${name}_${to}`;
