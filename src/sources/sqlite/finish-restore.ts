// The end of a restore: what came is held against the manifest, then gets its indexes, triggers and settings, and is checked.
import { dirname } from 'node:path';
import { HoldfastError } from '#lib/errors.ts';
import { type Manifest, type ManifestTable, manifestName } from '../manifest.ts';
import { foreignKeyWarnings } from './damage.ts';
import { sameName } from './identifiers.ts';
import { copyRows, makeInternalTable } from './internal-tables.ts';
import { createFile, dataPath, finishFile, mayOwn } from './layout.ts';
import { definitionAs, dropExisting, makeDefinition, makeVirtualTables } from './make-definition.ts';
import { incomplete, type LoadedTable, type Restore } from './restore-state.ts';
import type { Definition, Schema } from './schema.ts';

/** Completes the target and ends its transaction; returns what the user should know. */
export const finishRestore = async (restore: Restore): Promise<readonly string[]> => {
  const { manifest, tables, finish, target, loaded } = restore;
  if (tables === undefined) throw incomplete(createFile);
  if (finish === undefined) throw incomplete(finishFile);
  if (manifest === undefined) throw incomplete(manifestName);
  for (const table of loaded.values()) compare(table, manifest);
  const whole = isWhole(restore, manifest);
  if (whole) noteMissing(restore, manifest);
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
  const warnings = foreignKeyWarnings(target.db, made);
  return [...warnings, ...(await target.commit(made, manifest.position.journal_mode ?? 'delete'))];
};

const compare = ({ nameInSnapshot, path, count }: LoadedTable, manifest: Manifest): void => {
  const recorded = manifest.tables.find(({ entries }) => entries.includes(path));
  if (recorded?.rows === count.rows && recorded.checksum === count.checksum) return;
  const said = recorded ? describe(recorded) : 'does not list the table';
  throw new HoldfastError(
    'TARGET_FAILED',
    `table ${nameInSnapshot} is not as it was captured: ${describe(count)} came, the manifest says ${said}`,
    { hint: 'nothing was changed; check the repository, or restore from another snapshot' },
  );
};

const describe = ({ rows, checksum }: Pick<ManifestTable, 'rows' | 'checksum'>): string =>
  `${rows} rows with the checksum ${checksum}`;

/** Whether all the snapshot has is being restored, rather than tables chosen from it. */
const isWhole = ({ loaded, failures }: Restore, { tables }: Manifest): boolean => {
  const came = new Set([
    ...[...loaded.values()].map(({ path }) => path),
    ...failures.map(({ path }) => path),
  ]);
  return tables.every(({ entries }) => entries.every((path) => came.has(path)));
};

const noteMissing = ({ failures }: Restore, { missing }: Manifest): void => {
  for (const { name, reason } of missing)
    failures.push({
      path: dataPath(name),
      error: new HoldfastError('ITEM_UNREADABLE', `table ${name} is not in the snapshot: ${reason}`, {
        hint: 'look for it in an earlier snapshot',
      }),
    });
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
  if (into.rename.length > 0 && !whole) {
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

/** The virtual tables all of whose data came. */
const virtualTablesOf = (
  { loaded, failures, target }: Restore,
  { tables, missing }: Manifest,
  { virtualTables }: Schema,
  whole: boolean,
): Definition[] => {
  const kept = [...loaded.values()];
  return virtualTables.filter(({ name }) => {
    const folder = dirname(dataPath(name));
    const parts = tables.filter(({ entries }) => entries.every((path) => dirname(path) === folder));
    const came = parts.filter(({ name: part }) => kept.some(({ nameInSnapshot }) => nameInSnapshot === part));
    if (came.length === 0 && !whole) return false;
    const lost = parts.length - came.length + missing.filter((each) => mayOwn(name, each.name)).length;
    if (lost === 0) {
      if (!target.isNew && came.length === 0) dropExisting(target.db, name);
      return true;
    }
    const error = new HoldfastError('TARGET_FAILED', `virtual table ${name} lacks ${lost} of its tables`, {
      hint: `restore all of ${folder}`,
    });
    failures.push({ path: folder, error });
    return false;
  });
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
