// The oplog of a replica set: where it begins to matter, and its entries up to the end of a backup.
import { HoldfastError } from '#lib/errors.ts';
import { documentAt, elementAt, emptyDocument, stringAt, timestampAt, timestampOf } from './bson.ts';
import type { Connection } from './connect.ts';
import { code, serverCode } from './server-error.ts';

const database = 'local';
const oplog = 'oplog.rs';

/** The last entry there is now, or the beginning of the oldest transaction that is not over, as mongodump has it. */
export const oplogStart = async (connection: Connection): Promise<string> => {
  const running = await connection.list('config', {
    find: 'transactions',
    filter: { state: { $in: ['prepared', 'inProgress'] } },
    sort: { startOpTime: 1 },
    limit: 1,
  });
  const started = running[0] && timestampAt(documentAt(running[0], 'startOpTime') ?? emptyDocument, 'ts');
  return started ?? (await edge(connection, -1));
};

/** The newest (-1) or the oldest (1) entry's time. */
const edge = async (connection: Connection, direction: 1 | -1): Promise<string> => {
  try {
    const command = { find: oplog, sort: { $natural: direction }, limit: 1 };
    const [entry] = await connection.list(database, command);
    const time = entry && timestampAt(entry, 'ts');
    if (time !== undefined) return time;
  } catch (error) {
    if (serverCode(error) !== code.unauthorized) throw error;
    throw new HoldfastError(
      'SOURCE_DENIED',
      `${connection.user ?? 'the user'} may not read the oplog of ${connection.server}`,
      {
        hint: 'grant the role backup, or say `consistency: none`',
        cause: error,
      },
    );
  }
  throw new HoldfastError('SOURCE_UNREACHABLE', `the oplog of ${connection.server} is empty`, {
    hint: 'is the replica set initiated?',
  });
};

/** Raw entries from then until now, all that are needed and no gap: SOURCE_UNREACHABLE when the beginning is gone already. */
export async function* oplogEntries(
  connection: Connection,
  from: string,
): AsyncGenerator<readonly Uint8Array[]> {
  const until = await edge(connection, -1);
  const filter = { ts: { $gte: timestampOf(from), $lte: timestampOf(until) } };
  for await (const batch of connection.batches(database, { find: oplog, filter, sort: { $natural: 1 } })) {
    for (const entry of batch) assertReplayable(entry);
    yield batch;
  }
  if (isLater(await edge(connection, 1), from))
    throw new HoldfastError('SOURCE_UNREACHABLE', 'the oplog no longer holds the beginning of this backup', {
      hint: 'make the oplog larger (replSetResizeOplog), or back up at a quieter time',
    });
}

export const isLater = (a: string, b: string): boolean => {
  const [secondsA = 0, countA = 0] = a.split(':').map(Number);
  const [secondsB = 0, countB = 0] = b.split(':').map(Number);
  return secondsA === secondsB ? countA > countB : secondsA > secondsB;
};

/** Fails for what no replay can repeat; mongodump refuses the same. */
export const assertReplayable = (entry: Uint8Array): void => {
  const change = documentAt(entry, 'o') ?? emptyDocument;
  const what =
    stringAt(entry, 'ns') === 'admin.system.version'
      ? 'the form of the users changed'
      : elementAt(change, 'renameCollection')
        ? 'a collection was renamed'
        : elementAt(change, 'importCollection')
          ? 'a collection was imported'
          : elementAt(change, 'upgradeDowngradeViewlessTimeseries')
            ? 'a time series changed its form'
            : undefined;
  if (what === undefined) return;
  throw new HoldfastError(
    'SOURCE_UNREACHABLE',
    `${what} during the backup, which a replay of the oplog cannot repeat`,
    {
      hint: 'run the backup again',
    },
  );
};
