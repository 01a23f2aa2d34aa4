// One run at a time for a database that receives. MongoDB keeps no lock for a session, so the run says again and again that it is
// alive; from one that falls silent, or whose process has ended, the next takes over.
import { randomUUID } from 'node:crypto';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { mayBeAlive, thisProcess } from '#lib/process-identity.ts';
import { otherRunReceives } from '../receiving-refused.ts';
import type { Command } from './connect.ts';
import { dropCollection } from './new-collection.ts';
import {
  change,
  type Holder,
  held,
  letGo,
  type Received,
  readHolder,
  readKept,
  receivedCollection,
} from './received-mark.ts';
import { code, serverCode } from './server-error.ts';

/** How often a run says that it is alive. */
const beatMs = 5000;
/** One that says nothing for so long has died. */
const silenceMs = 30_000;
const lookMs = 3000;

export interface Claim extends AsyncDisposable {
  /** Changes the document, which is to be this run's. TARGET_FAILED when another run has taken over. */
  write(fields: Command): Promise<void>;
  /** TARGET_FAILED when another run has taken over. */
  assertHeld(): Promise<void>;
}

/** Waits for a run that may have died. TARGET_FAILED when it is alive, SOURCE_DENIED for a user who may not write there. */
export const claimTarget = async (received: Received, context: Context): Promise<Claim> => {
  const run = randomUUID();
  const own = held({ run, beat: 0, by: thisProcess() });
  for (;;) {
    if (await permitted(received, () => change(received, free, own, { orMake: true }))) break;
    const holder = await readHolder(received);
    if (holder === undefined) continue;
    if (mayBeAlive(holder.by)) await untilSilent(received, holder, context);
    if (await change(received, { run: holder.run, beat: holder.beat }, own)) break;
  }
  return heldBy(received, run, context);
};

const free: Command = { run: { $exists: false } };

const heldBy = (received: Received, run: string, { clock, log }: Context): Claim => {
  const closing = new AbortController();
  const beating = beat(received, run, () => clock.sleep(beatMs, closing.signal), closing.signal);
  const write = async (fields: Command): Promise<void> => {
    if (!(await change(received, { run }, fields))) throw takenOver(received.database);
  };
  return {
    write,
    assertHeld: () => write(oneBeat),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await beating;
      await release(received, run).catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, `the next run waits until this one is known to be over`),
      );
    },
  };
};

const oneBeat: Command = { $inc: { beat: 1 } };

const beat = async (
  received: Received,
  run: string,
  pause: () => Promise<void>,
  closing: AbortSignal,
): Promise<void> => {
  while (!closing.aborted)
    try {
      await pause();
      await change(received, { run }, oneBeat);
    } catch {
      // Whatever keeps it from being said is met by the run itself, too, and it looks before it changes anything.
    }
};

/** Where nothing was received, nothing stays. */
const release = async (received: Received, run: string): Promise<void> => {
  const { connection, database } = received;
  if (await readKept(received)) await change(received, { run }, letGo);
  else if ((await readHolder(received))?.run === run)
    await dropCollection(connection, { database, name: receivedCollection });
};

/** Ends when the run has let go, or said nothing for long. */
const untilSilent = async (
  received: Received,
  { run, beat }: Holder,
  { clock, signal, log }: Context,
): Promise<void> => {
  const { database } = received;
  log.info({ database }, 'another run was receiving into this database: waiting to see whether it is alive');
  for (let waitedMs = 0; waitedMs < silenceMs; waitedMs += lookMs) {
    await clock.sleep(lookMs, signal);
    const now = await readHolder(received);
    if (now?.run !== run) return;
    if (now.beat !== beat) throw otherRunReceives(database);
  }
};

const takenOver = (database: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `another run has begun to receive into database ${database}`, {
    hint: `it took this one for dead, because it had not been heard of for ${silenceMs / 1000} s; let one job receive into a database`,
  });

const permitted = async <Result>(
  { connection, database }: Received,
  work: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await work();
  } catch (error) {
    if (serverCode(error) !== code.unauthorized) throw error;
    throw new HoldfastError(
      'SOURCE_DENIED',
      `${connection.user ?? 'nobody without a login'} may not write into database ${database}: ${messageOf(error)}`,
      { hint: `grant readWrite and dbAdmin on ${database}`, cause: error },
    );
  }
};
