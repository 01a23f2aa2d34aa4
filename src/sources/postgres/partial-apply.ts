// The changes of a partial snapshot into a database: upserts in the order of the foreign keys, in one transaction with the mark.
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter } from '#lib/row-checksum.ts';
import { type Manifest, manifestName, manifestSchema } from '../manifest.ts';
import { type ChangedTable, type Changes, changesFile, changesSchema, type Mark } from '../receiver.ts';
import type { Content, Entry } from '../source.ts';
import type { Connection } from './connect.ts';
import { plainName, quoteIdentifier, quoteName } from './identifiers.ts';
import { readMark, writeMark } from './received-mark.ts';
import { isServerError, serverMessage } from './server-error.ts';

/** `expected` is the snapshot that the database must still be at; all or nothing. Returns the number of rows. */
export const applyChanges = async (
  connection: Connection,
  entries: AsyncIterable<Entry>,
  mark: Mark,
  expected: string,
): Promise<number> => {
  await connection.query('begin; set constraints all deferred');
  try {
    const before = await readMark(connection, 'for update');
    if (before?.snapshot !== expected)
      throw new HoldfastError(
        'TARGET_FAILED',
        `${connection.database} was changed by another receiver meanwhile`,
        {
          hint: 'two jobs receive into the same database: leave it to one of them',
        },
      );
    const staged = await stage(connection, entries);
    let rows = 0;
    for (const table of staged.changes.tables) rows += await upsert(connection, table, staged.names);
    await writeMark(connection, mark);
    await connection.query('commit');
    return rows;
  } catch (error) {
    if (connection.usable) await connection.query('rollback');
    throw told(error);
  }
};

const told = (error: unknown): unknown =>
  isServerError(error)
    ? new HoldfastError('TARGET_FAILED', `the changes could not be applied: ${serverMessage(error)}`, {
        hint: 'nothing of them was; the next complete snapshot brings what they would have',
        cause: error,
      })
    : error;

interface Staged {
  readonly changes: Changes;
  /** The temporary tables that hold the rows, by the paths of these. */
  readonly names: ReadonlyMap<string, string>;
}

/** Rows come by their names, and are needed by their foreign keys: so first all of them are put aside, and counted. */
const stage = async (connection: Connection, entries: AsyncIterable<Entry>): Promise<Staged> => {
  let changes: Changes | undefined;
  let manifest: Manifest | undefined;
  const names = new Map<string, string>();
  const counted = new Map<string, string>();
  for await (const { path, type, content } of entries) {
    if (type !== 'file' || content === undefined) continue;
    const table = changes?.tables.find((each) => each.path === path);
    if (path === changesFile) changes = changesSchema.parse(await jsonOf(content()));
    else if (path === manifestName) manifest = manifestSchema.parse(await jsonOf(content()));
    else if (table) {
      const name = `holdfast_changes_${names.size}`;
      counted.set(path, await copyInto(connection, table, name, content));
      names.set(path, name);
    } else throw foreign(path);
  }
  if (changes === undefined || manifest === undefined) throw foreign('what has come');
  for (const { path, ...table } of changes.tables) {
    const { rows, checksum } = manifest.tables.find(({ entries: [own] }) => own === path) ?? {};
    if (rows === undefined || counted.get(path) !== `${rows} ${checksum}`)
      throw new HoldfastError(
        'TARGET_FAILED',
        `changes of ${plainName(table)} are not as they were captured`,
        {
          hint: 'check the repository: `holdfast check --read-data`',
        },
      );
  }
  return { changes, names };
};

const copyInto = async (
  connection: Connection,
  table: ChangedTable,
  name: string,
  content: () => Content,
): Promise<string> => {
  const columns = table.columns.map(quoteIdentifier).join(', ');
  await connection.query(
    `create temporary table ${name} on commit drop as select ${columns} from ${quoteName(table)} with no data`,
  );
  const counter = createRowCounter('lines');
  async function* counting(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content()) {
      counter.update(chunk);
      yield chunk;
    }
  }
  const copied = await connection.copyIn(
    `copy pg_temp.${name} from stdin with (format text, encoding 'UTF8')`,
    counting,
  );
  const { rows, checksum } = counter.finish();
  return copied.rows === rows ? `${rows} ${checksum}` : 'lost on the way';
};

/** A row that is newer here than the one that comes stays. */
const upsert = async (
  connection: Connection,
  table: ChangedTable,
  names: ReadonlyMap<string, string>,
): Promise<number> => {
  const triggers = await silenceTriggers(connection, table);
  const columns = table.columns.map(quoteIdentifier);
  const others = table.columns.filter((column) => !table.key.includes(column)).map(quoteIdentifier);
  const by = table.by === null ? undefined : quoteIdentifier(table.by);
  const update =
    others.length === 0
      ? 'nothing'
      : `update set ${others.map((column) => `${column} = excluded.${column}`).join(', ')}${
          by === undefined ? '' : ` where here.${by} is null or excluded.${by} >= here.${by}`
        }`;
  const [row] = await connection.query<{ count: string }>(
    `with done as (insert into ${quoteName(table)} as here (${columns.join(', ')}) overriding system value
        select ${columns.join(', ')} from pg_temp.${names.get(table.path)}
        on conflict (${table.key.map(quoteIdentifier).join(', ')}) do ${update} returning 1)
      select count(*)::text as count from done`,
  );
  await triggers.restore();
  return Number(row?.count ?? 0);
};

/** What triggers did, they did where the rows come from. */
const silenceTriggers = async (connection: Connection, table: ChangedTable) => {
  const found = await connection.query<{ name: string; mode: string }>(
    `select t.tgname::text as name, t.tgenabled::text as mode from pg_catalog.pg_trigger t
      join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where not t.tgisinternal and t.tgenabled in ('O', 'A') and n.nspname = $1 and c.relname = $2`,
    [table.schema, table.name],
  );
  const alter = async (change: (mode: string) => string): Promise<void> => {
    for (const { name, mode } of found)
      await connection.query(
        `alter table ${quoteName(table)} ${change(mode)} trigger ${quoteIdentifier(name)}`,
      );
  };
  await alter(() => 'disable');
  return { restore: () => alter((mode) => (mode === 'A' ? 'enable always' : 'enable')) };
};

const foreign = (path: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `${path} is no partial snapshot of PostgreSQL`, {
    hint: 'it was not made by a job with `partial`; check the repository',
  });

const jsonOf = async (content: Content): Promise<unknown> => {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
};
