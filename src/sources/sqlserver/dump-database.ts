// The entries of one database: its definition, the rows of its tables, and the manifest that counts them.

import { byBytes } from '#lib/byte-order.ts';
import { rowChunking } from '../increments.ts';
import { createLifetime, type Lifetime } from '../lifetime.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { folderEntry, textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { createTally, type Tally } from '../tally.ts';
import { askCatalogue } from './answers.ts';
import { type Assembled, assemble } from './assemble.ts';
import { connect } from './connect.ts';
import type { Dump } from './dump.ts';
import { plainName } from './identifiers.ts';
import {
  databaseFiles,
  databasePath,
  dataFolder,
  encodeName,
  rowsPath,
  tableFiles,
  tablePath,
  unlearntFolder,
} from './layout.ts';
import type { Table } from './model.ts';
import { wantedOf } from './patterns.ts';
import { isolationOf, openReading, type Reading } from './reading.ts';
import { countedRows, type RowSource } from './rows.ts';
import { databaseStatements, scriptOf } from './script.ts';
import { postDataStatements, preDataStatements } from './statements.ts';
import { aroundRows } from './table-sql.ts';

export interface DatabaseDump extends Assembled {
  readonly dump: Dump;
  readonly database: string;
  readonly folder: string;
  readonly reading: Reading;
  readonly tally: Tally;
  readonly lifetime: Lifetime;
  readonly takenAt: Date;
}

/** Closes it when all is read. */
export async function* dumpDatabase(opened: DatabaseDump): AsyncGenerator<Entry> {
  let complete = false;
  try {
    yield* entriesOf(opened);
    complete = true;
  } finally {
    await (complete ? opened.lifetime.seal() : opened.lifetime.end());
  }
}

/** Begins to read it as of now, and asks what there is. */
export const openDatabase = async (dump: Dump, database: string): Promise<DatabaseDump> => {
  const { config, settings, context } = dump;
  const connection = await connect(settings, database, context.signal);
  const tally = createTally();
  let open: AsyncDisposable = connection;
  const lifetime = createLifetime(async () => {
    tally.giveUp();
    await open[Symbol.asyncDispose]();
  });
  dump.onClose(lifetime.end);
  try {
    const answers = await askCatalogue(connection);
    const assembled = assemble(answers, {
      version: dump.version,
      wanted: (table) => wantedOf(config, database, table),
    });
    const isolation = isolationOf(config, assembled.contents);
    const another = () => connect(settings, database, context.signal);
    const reading = await openReading(connection, isolation, another);
    open = reading;
    const { log, clock } = context;
    if (isolation.startsWith('read committed'))
      log.warn(
        { database, isolation },
        'the tables are not read as of one moment: the database does not allow snapshot isolation',
      );
    for (const about of answers.absent) log.warn({ database }, `the server has no catalogue of ${about}`);
    for (const { what, reason } of assembled.contents.notKept)
      log.warn({ database }, `not kept: ${what} (${reason})`);
    return {
      ...assembled,
      dump,
      database,
      folder: databasePath(database),
      reading,
      tally,
      lifetime,
      takenAt: clock.now(),
    };
  } catch (error) {
    await lifetime.end();
    throw error;
  }
};

async function* entriesOf(of: DatabaseDump): AsyncGenerator<Entry> {
  const { folder, contents, found, failures, database, tally, lifetime } = of;
  const file = (name: string, text: string): Entry => textEntry(`${folder}/${name}`, text);
  yield folderEntry(folder);
  yield file(
    databaseFiles.database,
    scriptOf(
      `The database ${contents.database.name}: sqlcmd -x -b -I -i 00-database.sql`,
      databaseStatements(contents),
    ),
  );
  yield file(
    databaseFiles.schema,
    scriptOf(
      'Tables and what they are made of: sqlcmd -x -b -I -f 65001 -d DATABASE -i 01-schema.sql',
      preDataStatements(contents),
    ),
  );
  yield file(databaseFiles.contents, `${JSON.stringify(contents, undefined, 1)}\n`);
  for (const { what, error } of failures) {
    tally.missing(what, error.message);
    yield {
      path: `${folder}/${unlearntFolder}/${encodeName(what)}`,
      type: 'file',
      meta: {},
      failed: error,
      item: `${database}: ${what}`,
    };
  }
  yield folderEntry(`${folder}/${dataFolder}`);
  const tables = contents.tables
    .filter(({ rows }) => rows)
    .map((table) => ({ table, path: tablePath(table) }));
  tables.sort((a, b) => byBytes(a.path, b.path));
  const ids = new Map(found.map((table) => [plainName(table), table.id]));
  for (const { table, path } of tables) yield* tableEntries(of, table, path, ids.get(plainName(table)) ?? 0);
  yield {
    ...file(databaseFiles.manifest, ''),
    meta: { mode: 0o600 },
    content: lifetime.during(() => manifestContent(of)),
  };
  yield file(
    databaseFiles.postData,
    scriptOf(
      'What follows the rows: sqlcmd -x -I -f 65001 -d DATABASE -i post-data.sql',
      postDataStatements(contents),
    ),
  );
}

function* tableEntries(of: DatabaseDump, table: Table, path: string, id: number): Generator<Entry> {
  const { dump, database, folder, reading, tally, lifetime } = of;
  const name = plainName(table);
  tally.expect(name, rowsPath(table));
  const around = aroundRows(table);
  yield folderEntry(`${folder}/${path}`);
  if (around) yield textEntry(`${folder}/${path}/${tableFiles.begin}`, around.begin);
  yield {
    path: `${folder}/${rowsPath(table)}`,
    type: 'file',
    meta: { mode: 0o600 },
    content: lifetime.during(() =>
      countedRows({ table, id, reading, tally, user: dump.settings.user, ...patienceWith(dump, name) }),
    ),
    chunking: rowChunking(dump.config),
    item: `${database}.${name}`,
  };
  if (around) yield textEntry(`${folder}/${path}/${tableFiles.end}`, around.end);
}

/** Each row may be locked; who waits for locks for ever does so here, too. */
const patienceWith = ({ config, settings }: Dump, table: string): Pick<RowSource, 'patience'> => {
  const { timeoutSeconds, lockTimeoutSeconds } = config;
  if (lockTimeoutSeconds === 0) return {};
  const seconds = timeoutSeconds + lockTimeoutSeconds;
  return { patience: { seconds, item: `table ${table}`, server: `SQL Server at ${settings.server}` } };
};

/** Waits for the rows. */
async function* manifestContent(of: DatabaseDump): AsyncGenerator<Uint8Array> {
  const { dump, contents, reading, tally, takenAt } = of;
  const { tables, missing } = await tally.settled();
  const manifest: Manifest = {
    manifest: 1,
    engine: 'sqlserver',
    engineVersion: dump.version,
    database: contents.database.name,
    position: {
      isolation: reading.isolation,
      ...(reading.snapshots() > 1 && { snapshots: `${reading.snapshots()}` }),
    },
    capturedAt: takenAt.toISOString(),
    tables,
    missing,
  };
  yield Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}
