// A server, or some of its databases, as entries.
import type { Context } from '#lib/kind.ts';
import { version } from '#lib/version.ts';
import { textEntry } from '../own-entries.ts';
import type { Entry } from '../source.ts';
import { createTally, type Tally } from '../tally.ts';
import { type ChosenDatabase, describeDatabase, hiddenDatabases, namesOfDatabases } from './choice.ts';
import type { MongodbConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { makeContents } from './contents.ts';
import { dumpDatabase } from './dump-database.ts';
import { oplogFile, preludeFile, serverFile } from './layout.ts';
import { type Moment, takeMoment } from './moment.ts';
import { oplogEntries } from './oplog.ts';

export interface DumpRequest {
  readonly config: MongodbConfig;
  readonly context: Context;
  /** Closes what is still open when the dump is given up. */
  onClose(close: () => Promise<void>): void;
}

export interface Dump {
  readonly connection: Connection;
  readonly config: MongodbConfig;
  readonly moment: Moment;
  /** Of each database, by its name. */
  readonly tallies: ReadonlyMap<string, Tally>;
}

export async function* dumpServer({ config, context, onClose }: DumpRequest): AsyncGenerator<Entry> {
  const connection = await connect(config, context.signal);
  const tallies = new Map<string, Tally>();
  onClose(async () => {
    for (const tally of tallies.values()) tally.giveUp();
    await connection[Symbol.asyncDispose]();
  });
  const names = await namesOfDatabases(connection, config);
  const hidden = await hiddenDatabases(connection, config);
  if (hidden) context.log.warn({ server: connection.server, hint: hidden.hint }, hidden.message);
  const moment = await takeMoment(connection, config, names, () => context.clock.now());
  const databases: ChosenDatabase[] = [];
  for (const [name, collections] of moment.collections) {
    databases.push(await describeDatabase(connection, config, name, collections));
    tallies.set(name, createTally('bson'));
  }
  const contents = makeContents(connection.facts, moment.consistency, databases);
  const dump: Dump = { connection, config, moment, tallies };
  yield textEntry(serverFile, `${JSON.stringify(contents, undefined, 1)}\n`);
  yield textEntry(preludeFile, preludeJson(connection.facts.version));
  for (const database of databases) yield* dumpDatabase(dump, database);
  if (moment.oplogFrom !== undefined) yield oplogEntry(dump, moment.oplogFrom);
}

/** As mongodump writes it (mongodump/mongodump.go). */
const preludeJson = (serverVersion: string): string =>
  JSON.stringify({ ServerVersion: serverVersion, ToolVersion: `holdfast ${version}` });

/** Recorded when all collections have been read: their documents are from before its end. */
const oplogEntry = ({ connection, tallies }: Dump, from: string): Entry => ({
  path: oplogFile,
  type: 'file',
  meta: { mode: 0o600 },
  async *content() {
    for (const tally of tallies.values()) await tally.settled();
    for await (const batch of oplogEntries(connection, from)) yield Buffer.concat(batch);
  },
});
