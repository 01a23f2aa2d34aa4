// What of a server a backup keeps, with all that is known of it before the first document is read.
import { byBytes } from '#lib/byte-order.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { isLiteral } from '../patterns.ts';
import { assertDatabasesFound, chooseDatabases } from '../wanted-databases.ts';
import type { MongodbConfig } from './config.ts';
import type { Connection } from './connect.ts';
import { type Collection, listCollections, listDatabases, listIndexes } from './listing.ts';
import { isInternal, isInternalDatabase, wantedOf } from './patterns.ts';
import { code, itemError, serverCode } from './server-error.ts';

export interface ChosenCollection {
  readonly collection: Collection;
  /** Raw BSON; none for a view. */
  readonly indexes: readonly Uint8Array[];
  readonly withDocuments: boolean;
}

export interface ChosenDatabase {
  readonly name: string;
  readonly collections: readonly ChosenCollection[];
  /** What was wanted and cannot be had. */
  readonly failures: readonly { readonly collection: string; readonly error: Error }[];
}

/** Users and roles, and the version of their form, which mongorestore wants beside them. */
export const accountCollections: readonly string[] = ['system.roles', 'system.users', 'system.version'];
export const accountDatabase = 'admin';

/** Names of databases, in the order of their folders. SOURCE_UNREACHABLE when one that is named is not there, or none is left. */
export const namesOfDatabases = async (connection: Connection, config: MongodbConfig): Promise<string[]> => {
  const present = await listDatabases(connection);
  const chosen = chooseDatabases(
    config,
    config.url.database,
    present.filter((name) => !isInternalDatabase(name)),
  );
  const absent = chosen.filter((name) => !present.includes(name));
  const hint = present.length > 0 ? `it has ${present.join(', ')}` : 'it has no database that may be seen';
  assertDatabasesFound(config, connection.server, { chosen, absent, hint });
  const all = config.users ? [...new Set([...chosen, accountDatabase])] : chosen;
  return all.toSorted(byBytes);
};

/**
 * What to say where databases may be there that the user does not see: the server leaves them out of its list without a word, unless
 * it is asked for all of them. Undefined where it lists all, or only those that are named are wanted.
 */
export const hiddenDatabases = async (
  connection: Connection,
  { databases, url }: MongodbConfig,
): Promise<{ readonly message: string; readonly hint: string } | undefined> => {
  const isNamed =
    databases === undefined ? url.database !== undefined : databases !== 'all' && databases.every(isLiteral);
  if (isNamed) return undefined;
  try {
    await connection.command('admin', { listDatabases: 1, nameOnly: true, authorizedDatabases: false });
    return undefined;
  } catch (error) {
    const refusal = serverCode(error);
    if (refusal === undefined) throw error;
    if (refusal !== code.unauthorized) return undefined; // before 4.0.6 it cannot be asked so
  }
  return {
    message: `the server lists only databases that ${connection.user ?? 'the user'} may read; others are not backed up`,
    hint: 'grant the role backup, or name the databases in `databases`',
  };
};

/** The collections of these databases that are wanted. */
export const listWanted = async (
  connection: Connection,
  config: MongodbConfig,
  databases: readonly string[],
): Promise<Map<string, Collection[]>> => {
  const isChosen = (database: string, name: string): boolean =>
    isAccount(config, database, name) ||
    (!isInternal(name) &&
      !isBroughtAlong(config, database) &&
      wantedOf(config, database, name) !== 'nothing');
  const wanted = new Map<string, Collection[]>(databases.map((name) => [name, []]));
  await forEachLimit(databases, config.connections, async (database) => {
    const present = await listCollections(connection, database);
    wanted.set(
      database,
      present.filter(({ name }) => isChosen(database, name)),
    );
  });
  return wanted;
};

const isAccount = ({ users }: MongodbConfig, database: string, name: string): boolean =>
  users && database === accountDatabase && accountCollections.includes(name);

/** admin, when it was not asked for: only its users are. */
const isBroughtAlong = ({ databases, url }: MongodbConfig, database: string): boolean =>
  database === accountDatabase &&
  !(Array.isArray(databases)
    ? databases.includes(database)
    : databases === undefined && url.database === database);

/** Adds the indexes. A collection whose indexes may not be read is lost, and named. */
export const describeDatabase = async (
  connection: Connection,
  config: MongodbConfig,
  name: string,
  collections: readonly Collection[],
): Promise<ChosenDatabase> => {
  const described = new Map<Collection, readonly Uint8Array[]>();
  const failures: { collection: string; error: Error }[] = [];
  await forEachLimit(collections, config.connections, async (collection) => {
    try {
      described.set(collection, collection.type === 'view' ? [] : await listIndexes(connection, collection));
    } catch (thrown) {
      const error = itemError(thrown, `${name}.${collection.name}`, connection.user);
      if (!(error instanceof HoldfastError) || !error.kind.item) throw error;
      failures.push({ collection: collection.name, error });
    }
  });
  return {
    name,
    failures: failures.toSorted((a, b) => byBytes(a.collection, b.collection)),
    collections: collections.flatMap((collection) => {
      const indexes = described.get(collection);
      if (!indexes) return [];
      const withDocuments =
        collection.data !== undefined &&
        (isAccount(config, name, collection.name) || wantedOf(config, name, collection.name) === 'all');
      return [{ collection, indexes, withDocuments }];
    }),
  };
};
