// A database that is kept fresh on a server where one can be given the name of another: whole snapshots are loaded beside it, and what
// was loaded then takes its name.
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { besideName, isBeside } from './beside-names.ts';
import { onlyReceived } from './only-database.ts';
import type { Mark, Receiving } from './receiver.ts';
import { leftBeside, notReceived } from './receiving-refused.ts';
import type { Entry, RestoreReport, RestoreTarget } from './source.ts';

/** The server of a receiver, through a session that works also when all is cancelled: somebody must tidy up. */
export interface ReceivingServer extends AsyncDisposable {
  /** Until the session ends; TARGET_FAILED where another run has done so. */
  shutOthersOut(): Promise<void>;
  databases(): Promise<readonly string[]>;
  drop(database: string): Promise<void>;
  /** Whether the database has something in it that a user made. */
  isUsed(database: string): Promise<boolean>;
  /** Undefined where nothing was received. */
  readMark(database: string): Promise<Mark | undefined>;
  writeMark(database: string, mark: Mark): Promise<void>;
  /** One database of a snapshot under another name, and nothing of the server itself. */
  restore(entries: AsyncIterable<Entry>, into: RestoreTarget): Promise<RestoreReport>;
  /** Changes, in one transaction with the mark; the database must have the snapshot that they rest on. Returns the number of rows. */
  apply(database: string, entries: AsyncIterable<Entry>, next: Mark, expected: string): Promise<number>;
  /** Gives `from` the name `to`; a database that had it is called `away` then. */
  swap(names: { readonly from: string; readonly to: string; readonly away: string }): Promise<void>;
  quote(database: string): string;
  /** The path of all that a snapshot has of a database. */
  pathOf(database: string): string;
  /** Ends the session at once. */
  destroy(): void;
}

/** Work in a session of its own in one of the databases. */
export const insideOf =
  <Connection extends AsyncDisposable>(connect: (database: string) => Promise<Connection>) =>
  async <Result>(database: string, work: (connection: Connection) => Promise<Result>): Promise<Result> => {
    await using connection = await connect(database);
    return await work(connection);
  };

/** Receives into the database of that name; the server is closed with what is returned. */
export const receiveBeside = async (
  name: string,
  server: ReceivingServer,
  { signal, log }: Pick<Context, 'signal' | 'log'>,
): Promise<Receiving> => {
  let loaded: { readonly database: string; mark: Mark } | undefined;
  let isSwapping = false;
  let mark: Mark | undefined;
  /** Also what a restore within an earlier run left, and the database that was there before a swap. */
  const dropLeftovers = async (): Promise<void> => {
    for (const each of await server.databases()) if (isBeside(name, each)) await server.drop(each);
  };
  const isThere = async (): Promise<boolean> => (await server.databases()).includes(name);
  try {
    await server.shutOthersOut();
    await dropLeftovers();
    if (await isThere()) mark = await server.readMark(name);
  } catch (error) {
    server.destroy();
    throw error;
  }
  return {
    get mark() {
      return mark;
    },
    async load(entries, { mark: own, databases, onProgress }) {
      const from = onlyReceived(databases);
      // A database that somebody else filled is not ours to replace.
      if (mark === undefined && (await isThere()) && (await server.isUsed(name)))
        throw notReceived(
          `database ${name}`,
          `receive into another database, or drop it first: drop database ${server.quote(name)}`,
        );
      const beside = besideName(name);
      loaded = { database: beside, mark: own };
      const report = await server.restore(entries, {
        ...{ force: false, rename: [[from, beside]], onProgress },
        // Named, so that what is the server's own is left alone.
        selection: [server.pathOf(from)],
      });
      const [failure] = report.failures;
      if (failure) throw failure.error;
      await server.writeMark(beside, own);
      return report;
    },
    async apply(entries, next) {
      const { database, mark: expected } = loaded ?? { database: name, mark };
      if (expected === undefined) throw new HoldfastError('FAILED', `${name} has received nothing yet`);
      const rows = await server.apply(database, entries, next, expected.snapshot);
      if (loaded) loaded.mark = next;
      else mark = next;
      return { rows };
    },
    async publish() {
      if (loaded === undefined) throw new HoldfastError('FAILED', 'nothing was loaded');
      throwIfCancelled(signal);
      isSwapping = true;
      await server.swap({ from: loaded.database, to: name, away: besideName(name) });
      ({ mark } = loaded);
      loaded = undefined;
      await dropLeftovers();
    },
    async [Symbol.asyncDispose]() {
      try {
        // Between two names both databases are beside: then the next run, which knows what was loaded, decides.
        if (loaded && (!isSwapping || (await isThere()))) await dropLeftovers();
      } catch (error) {
        log.warn({ error: messageOf(error) }, leftBeside(name));
      } finally {
        await server[Symbol.asyncDispose]();
      }
    },
  };
};
