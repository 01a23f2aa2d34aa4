// A database that is kept fresh: the collections of a whole snapshot are loaded beside its own, under other names, and each takes the
// place of the one before it in one step. What is to move is written down first, so that a run that dies meanwhile is completed.

import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { lateSignal, openOutliving } from '#lib/outliving.ts';
import { onlyDatabase, onlyReceived } from '../only-database.ts';
import type { Mark, Receiver, Receiving } from '../receiver.ts';
import { assertMayTakePlaces, type Beside, isBeside, newBeside } from './beside.ts';
import { accountDatabase } from './choice.ts';
import { type Connection, connect } from './connect.ts';
import { assertFit } from './fit-to-receive.ts';
import { listCollections } from './listing.ts';
import { dropCollection } from './new-collection.ts';
import { claimTarget } from './received-claim.ts';
import { type Kept, keeping, type Moving, readKept } from './received-mark.ts';
import { type RestoreRequest, restoreServer } from './restore.ts';
import { code, serverCode } from './server-error.ts';
import { inOrder, type Places, takePlaces } from './take-places.ts';

export const receiver = (request: RestoreRequest): Receiver => ({
  takesChanges: false,
  openReceiving: () => openReceiving(request),
});

const openReceiving = async (request: RestoreRequest): Promise<Receiving> => {
  const { config, context } = request;
  const database = onlyDatabase(config, config.url, 'receiving');
  // Works also when all is cancelled: somebody must tidy up.
  const late = lateSignal(context.signal);
  const connection = await openOutliving(context.signal, (own) =>
    connect(config, AbortSignal.any([own, late])),
  );
  let places: Places | undefined;
  let mark: Mark | undefined;
  try {
    await assertFit({ connection, database });
    const claim = await claimTarget({ connection, database }, context);
    places = { connection, database, claim };
    mark = await settled(request, places);
    await dropBeside(places, isBeside);
  } catch (error) {
    await close(context, places, connection);
    throw error;
  }
  return receivingInto(request, places, mark);
};

interface Loaded {
  readonly prefix: string;
  readonly moving: Moving;
}

const receivingInto = (request: RestoreRequest, places: Places, before: Mark | undefined): Receiving => {
  const { context } = request;
  const { connection, database, claim } = places;
  let mark = before;
  let beside: Beside | undefined;
  let loaded: Loaded | undefined;
  return {
    get mark() {
      return mark;
    },
    async load(entries, { mark: next, databases, onProgress }) {
      // Users are the server's own, which are left alone.
      const from = onlyReceived(databases.filter((each) => each !== accountDatabase));
      const own = newBeside();
      beside = own;
      const into = { force: false, rename: [[from, database]], selection: [from], onProgress } as const;
      const report = await able(connection, () => restoreServer({ ...request, beside: own }, entries, into));
      const [failure] = report.failures;
      if (failure) throw notAll(failure.error);
      loaded = { prefix: own.prefix, moving: { mark: next, moves: await movesOf(places, own) } };
      return report;
    },
    async apply() {
      throw new HoldfastError('UNSUPPORTED', 'databases of MongoDB take complete snapshots only');
    },
    async publish() {
      if (loaded === undefined) throw new HoldfastError('FAILED', 'nothing was loaded');
      throwIfCancelled(context.signal);
      const { moving, prefix } = loaded;
      beside = undefined; // from now on it is the next run's if this one fails
      await claim.write(keeping({ mark, moving }));
      await complete(places, moving);
      ({ mark } = moving);
      loaded = undefined;
      await dropBeside(places, (each) => each.startsWith(prefix));
    },
    async [Symbol.asyncDispose]() {
      await close(context, places, connection, beside?.prefix);
    },
  };
};

/** Drops what was loaded for nothing. Where the server is gone, the next run does it: what this one came to stays what it is. */
const close = async (
  { log }: RestoreRequest['context'],
  places: Places | undefined,
  connection: Connection,
  prefix?: string,
): Promise<void> => {
  try {
    if (places && prefix !== undefined) await dropBeside(places, (each) => each.startsWith(prefix));
  } catch (error) {
    log.warn(
      { error: messageOf(error) },
      `collections named ${prefix}* could not be dropped: the next run does it`,
    );
  }
  await places?.claim[Symbol.asyncDispose]();
  await connection[Symbol.asyncDispose]();
};

/** A restore goes on without an index or a view; readers get all, or what they have. */
const notAll = (cause: Error): HoldfastError =>
  new HoldfastError('TARGET_FAILED', messageOf(cause), {
    hint: 'what readers see was left as it was: mend what the server says, here or at the sender',
    cause,
  });

/** UNSUPPORTED where the server lacks one of the commands, as those do that only speak MongoDB's protocol. */
const able = async <Result>({ server }: Connection, work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    if (!lacking.some((number) => number === serverCode(error))) throw error;
    throw new HoldfastError(
      'UNSUPPORTED',
      `the server at ${server} lacks what receiving needs: ${messageOf(error)}`,
      {
        hint: 'receive into a server of MongoDB itself, or restore with `holdfast restore`',
        cause: error,
      },
    );
  }
};

const lacking: readonly number[] = [code.commandNotFound, code.commandNotSupported, code.notImplemented];

/** All that was loaded, with whose place it is to take. */
const movesOf = async ({ connection, database }: Places, beside: Beside): Promise<Moving['moves']> => {
  const found = (await listCollections(connection, database)).flatMap(({ name, type, uuid }) => {
    const to = beside.placeOf(name);
    return to === undefined ? [] : [{ from: name, to, uuid, type }];
  });
  assertMayTakePlaces(found.map(({ to, type }) => ({ name: to, type })));
  return inOrder(found.map(({ from, to, uuid }) => ({ from, to, uuid })));
};

/** After this, readers see all of the new state. When it fails they see some of it, and the next run goes on. */
const complete = async (places: Places, { mark, moves }: Moving): Promise<void> => {
  try {
    await takePlaces(places, moves);
    await places.claim.write(keeping({ mark, moving: undefined }));
  } catch (error) {
    const message = `not all collections of ${places.database} have taken their places: ${messageOf(error)}`;
    const hint = 'until the next run goes on with it, some collections are new and some are as they were';
    const kind = error instanceof HoldfastError ? error.code : 'TARGET_FAILED';
    throw new HoldfastError(kind, message, { hint, cause: error });
  }
};

/** What readers see, after an earlier run's work is completed. Undefined when that cannot be done: then all is loaded anew. */
const settled = async ({ context }: RestoreRequest, places: Places): Promise<Mark | undefined> => {
  const kept = await readKept(places);
  if (kept?.moving === undefined) return kept?.mark;
  try {
    await complete(places, kept.moving);
    return kept.moving.mark;
  } catch (error) {
    const { cause } = error as Error;
    if (serverCode(cause) === undefined && !isGone(cause)) throw error;
    context.log.warn(`what a run had begun could not be completed, and is loaded anew: ${messageOf(error)}`);
    await places.claim.write(keeping(unknown));
    return undefined;
  }
};

const unknown: Kept = { mark: undefined, moving: undefined };

const isGone = (error: unknown): boolean => error instanceof HoldfastError && error.code === 'TARGET_FAILED';

const dropBeside = async (
  { connection, database }: Places,
  isMeant: (name: string) => boolean,
): Promise<void> => {
  for (const { name } of await listCollections(connection, database))
    if (isMeant(name)) await dropCollection(connection, { database, name });
};
