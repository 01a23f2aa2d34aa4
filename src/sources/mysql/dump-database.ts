// The entries of one database: its definitions, the rows of its tables, and the manifest that counts them.
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { folderEntry, textEntry } from '../own-entries.ts';
import { encodeName } from '../path-names.ts';
import type { Entry } from '../source.ts';
import { createTally, type Tally } from '../tally.ts';
import type { Dump } from './dump.ts';
import { historyLoss, periodOf } from './history.ts';
import { plainName, quoteIdentifier } from './identifiers.ts';
import { databaseFiles, databasePath, dataFolder } from './layout.ts';
import { loadScript } from './load-script.ts';
import { type Programs, readPrograms } from './programs.ts';
import { missingRights } from './rights.ts';
import { rowsEntries } from './rows-entry.ts';
import { type SqlItem, scriptOf } from './sql-items.ts';
import { canRead, contentsOf, type Failure, readTables, type Table, tableItems } from './tables.ts';

export async function* dumpDatabase(dump: Dump, database: string): AsyncGenerator<Entry> {
  const { config, settings, leader, lifetime } = dump;
  const folder = databasePath(database);
  const file = (name: string, text: Buffer): Entry => textEntry(`${folder}/${name}`, text);
  const user = settings.user;
  const isInState = (table: string): Promise<boolean> => inState(dump, database, table);
  const namesBefore = dump.namesBefore.get(database) ?? [];
  const read = await readTables({ connection: leader, config, user, database, namesBefore, isInState });
  const found = { ...read, tables: read.tables.map((table) => withHistory(dump, database, table)) };
  const programs = await readPrograms({ connection: leader, config, user, database, views: found.views });
  const contents = contentsOf(database, found);
  const apart = tablesApart(dump, database, found.tables);
  const tally = createTally();
  dump.onEnd(tally.giveUp);

  yield folderEntry(folder);
  yield file(databaseFiles.database, scriptOf('The database itself.', [await databaseItem(dump, database)]));
  yield file(databaseFiles.tables, scriptOf('Sequences and tables.', tableItems(found)));
  yield file(databaseFiles.contents, Buffer.from(`${JSON.stringify(contents, undefined, 1)}\n`));
  yield folderEntry(`${folder}/${dataFolder}`);
  const hidden = await hiddenFailures(dump, database);
  for (const failure of [...found.failures, ...programs.failures, ...hidden])
    yield failedEntry(database, folder, failure, tally);
  yield* rowsEntries({ dump, database, folder, tally }, found.tables);
  yield file(databaseFiles.load, Buffer.from(loadScript(contents)));
  yield {
    path: `${folder}/${databaseFiles.manifest}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: lifetime.during(() => manifestContent(dump, database, tally, apart)),
  };
  yield file(databaseFiles.postData, postDataOf(programs));
}

const postDataOf = ({ items }: Programs): Buffer => scriptOf('Routines, views, triggers and events.', items);

const inState = async ({ state }: Dump, database: string, table: string): Promise<boolean> => {
  const answers = state.readers.stream(async function* (reader) {
    yield await canRead(reader, database, table);
  });
  for await (const answer of answers) return answer;
  return false;
};

const databaseItem = async ({ leader }: Dump, database: string): Promise<SqlItem> => {
  const [row] = await leader.queryBytes<{ 'Create Database': string }>(
    `show create database ${quoteIdentifier(database)}`,
  );
  if (!row) throw new HoldfastError('FAILED', `the server does not show database ${database}`);
  return { type: 'database', name: database, statement: row['Create Database'] };
};

/** What the server would not even show. */
const hiddenFailures = async (dump: Dump, database: string): Promise<Failure[]> => {
  const missing = await missingRights(dump.leader, dump.rights, dump.config, database);
  return missing.map(({ hidden, grant }) => ({
    type: 'rights',
    name: hidden,
    error: new HoldfastError(
      'ITEM_UNREADABLE',
      `${dump.settings.user} may not see the ${hidden} of ${database}`,
      {
        hint: `${grant} to ${dump.settings.user}${hidden === 'tables' ? ', or name tables with `tables`' : `, or say \`${hidden}: false\``}`,
      },
    ),
  }));
};

const failedEntry = (
  database: string,
  folder: string,
  { type, name, error }: Failure,
  tally: Tally,
): Entry => {
  const label =
    type === 'table' || type === 'view' ? plainName(database, name) : `${database}: ${type} ${name}`;
  tally.missing(label, error.message);
  return {
    path: `${folder}/${dataFolder}/${type}.${encodeName(name)}`,
    type: 'file',
    meta: {},
    failed: error,
    item: label,
  };
};

/** Tables whose rows are read at a moment of their own, since their engine has no snapshots. */
const tablesApart = (
  { config, untouched, transactional, context }: Dump,
  database: string,
  tables: readonly Table[],
): string[] => {
  if (config.lockNonTransactional || untouched) return [];
  const apart = tables
    .filter(({ withRows, engine }) => withRows && !transactional.has(engine))
    .map(({ name }) => plainName(database, name));
  if (apart.length > 0)
    context.log.warn(
      { tables: apart },
      `${plural(apart.length, 'table')} of ${database} ${apart.length === 1 ? 'has' : 'have'} no transactions: each is read at a moment of its own; lockNonTransactional keeps them still`,
    );
  return apart;
};

/** What rows were before is kept where it can be. */
const withHistory = (
  { config, untouched, transactional, context, wantsHistory }: Dump,
  database: string,
  table: Table,
): Table => {
  const { name, engine, columns, versioned, withRows } = table;
  if (!versioned || !withRows || !wantsHistory(database, name)) return table;
  const still = config.lockNonTransactional || untouched;
  const loss = historyLoss({ engine, columns, still, transactional });
  const history = loss ? undefined : periodOf(columns);
  if (loss)
    context.log.warn(
      `of ${plainName(database, name)} the current rows are kept, not their history: ${loss.why}`,
    );
  return { ...table, ...(history && { history }) };
};

/** Waits for the rows. */
async function* manifestContent(
  { leader, state }: Dump,
  database: string,
  tally: Tally,
  apart: readonly string[],
): AsyncGenerator<Uint8Array> {
  const { tables, missing } = await tally.settled();
  const manifest: Manifest = {
    manifest: 1,
    engine: leader.version.engine,
    engineVersion: leader.version.text,
    database,
    position: { ...state.position, ...(apart.length > 0 && { read_apart: apart.join(', ') }) },
    capturedAt: state.takenAt.toISOString(),
    tables,
    missing,
  };
  yield Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}
