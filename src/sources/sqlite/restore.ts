// A dump back into a database. Entries come in the order of their paths: tables, rows, what follows the rows, manifest.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { type Manifest, manifestName, manifestSchema } from '../manifest.ts';
import type { Content, Entry, RestoreReport, RestoreTarget } from '../source.ts';
import { finishRestore } from './finish-restore.ts';
import { sameName } from './identifiers.ts';
import { assertSafePath, createFile, dataFolder, dataPath, finishFile, placesOf } from './layout.ts';
import { loadRows } from './load.ts';
import type { SqliteConfig } from './options.ts';
import { incomplete, type Restore } from './restore-state.ts';
import type { Schema } from './schema.ts';
import { openScratch, type Scratch } from './scratch.ts';
import { cannotWrite, unfitSnapshot } from './sqlite-error.ts';
import { openTarget } from './target.ts';

/** Restores all that comes, or throws and leaves the target as it was. */
export const restoreDatabase = async (
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
  config: SqliteConfig,
  context: Context,
): Promise<RestoreReport> => {
  const target = await openTarget(config, into, context);
  using scratch = openScratch();
  const { signal } = context;
  const restore: Restore = { target, scratch, into, signal, loaded: new Map(), failures: [] };
  const done = { entries: 0, bytes: 0 };
  try {
    for await (const entry of entries) {
      assertSafePath(entry.path);
      if (entry.type !== 'file' || !entry.content) continue;
      done.bytes += await take(restore, entry.path, entry.content());
      done.entries += 1;
      into.onProgress?.({ ...done, current: entry.path });
    }
    const warnings = await finishRestore(restore);
    return { ...done, failures: restore.failures, warnings };
  } catch (error) {
    throw cannotWrite(config.path, error);
  } finally {
    target.discard();
  }
};

/** Takes one entry; returns its size. */
const take = async (restore: Restore, path: string, content: Content): Promise<number> => {
  if (path.startsWith(`${dataFolder}/`)) return await takeRows(restore, path, content);
  const text = await textOf(content, path);
  if (path === createFile) await takeTables(restore, text);
  else if (path === finishFile) restore.finish = text;
  else if (path === manifestName) restore.manifest = parseManifest(text);
  else throw foreign(path);
  return Buffer.byteLength(text);
};

const takeTables = async (restore: Restore, text: string): Promise<void> => {
  const { scratch, into, target } = restore;
  scratch.load(text);
  const before = scratch.schema();
  const { tables, virtualTables } = before;
  for (const [from] of into.rename) assertCanRename(from, before, scratch);
  const places = placesOf(
    tables.map(({ name }) => name),
    virtualTables.map(({ name }) => name),
  );
  scratch.rename(into.rename);
  restore.tables = { schema: into.rename.length === 0 ? before : scratch.schema(), places };
  await target.begin(restore.tables.schema);
};

const assertCanRename = (from: string, { tables, virtualTables }: Schema, { failures }: Scratch): void => {
  if (virtualTables.some(({ name }) => sameName(name, from))) throw cannotRename(from);
  if (tables.some(({ name }) => sameName(name, from))) return;
  const failure = failures.find(({ type, name }) => type === 'table' && sameName(name, from));
  if (failure) throw failure.error;
  throw new HoldfastError('USAGE', `the snapshot has no table ${from} to rename`, {
    hint: 'give the table’s name as it is in the snapshot; a database is renamed by the path it is restored to',
  });
};

const cannotRename = (name: string): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `${name} is part of a virtual table, which keeps its name`, {
    hint: 'restore it under its own name into a new file',
  });

const takeRows = async (restore: Restore, path: string, content: Content): Promise<number> => {
  const { target, tables, loaded } = restore;
  if (tables === undefined) throw incomplete(createFile);
  const place = tables.places.get(path);
  const table = tables.schema.tables.find(({ name }) => place && name === nameInTarget(restore, place.table));
  if (place === undefined || table === undefined) return await takeUnmade(restore, path, content);
  if (place.owner !== undefined && table.name !== place.table) throw cannotRename(place.table);
  const owned = place.owner === undefined ? table : { ...table, owner: place.owner };
  target.makeTable(owned);
  const { db, guard } = target;
  const { signal } = restore;
  const count = await loadRows({ db, guard, table: place.table, into: table.name, content, signal });
  loaded.set(table.name, { table: owned, nameInSnapshot: place.table, path, count });
  return count.bytes;
};

/** Rows whose table SQLite would not make here are a failure of that table only. */
const takeUnmade = async (
  { scratch, failures }: Restore,
  path: string,
  content: Content,
): Promise<number> => {
  const failure = scratch.failures.find(({ type, name }) => type === 'table' && dataPath(name) === path);
  if (failure === undefined) throw foreign(path);
  failures.push({ path, error: failure.error });
  let bytes = 0;
  for await (const chunk of content) bytes += chunk.length;
  return bytes;
};

const nameInTarget = ({ into }: Restore, name: string): string =>
  into.rename.find(([from]) => sameName(from, name))?.[1] ?? name;

const textOf = async (content: Content, path: string): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > largestText)
      throw new HoldfastError('TARGET_FAILED', `${path} in the snapshot is larger than any schema`, {
        hint: 'it was not made by Holdfast as it is; restore from another snapshot',
      });
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
};

const largestText = 256 * 1024 * 1024;

const parseManifest = (text: string): Manifest => {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw unfitSnapshot(`${manifestName} in the snapshot cannot be read: ${messageOf(cause)}`, cause);
  }
};

const foreign = (path: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `${path} is no part of a SQLite database`, {
    hint: 'restore the snapshot to a target of its own kind, or name the path of a SQLite source in it',
  });
