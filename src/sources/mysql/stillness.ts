// The moment in which nothing is committed, so that several connections can begin to see the same state. It is as short as it takes
// to begin their transactions.
import type { Clock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import { isLocked, patiently } from './lock-patience.ts';
import { errno, errnoOf, isDenied } from './server-error.ts';

/** How it came about that nothing was committed. */
export type Stillness = 'backup stage' | 'read lock' | 'none';

export interface StillnessOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutSeconds: number;
}

interface Way {
  readonly name: Stillness;
  readonly begin: readonly string[];
  readonly end: string;
}

/** Waits only for commits under way; no statement that runs long keeps everybody waiting. */
const backupStage: Way = {
  name: 'backup stage',
  begin: ['backup stage start', 'backup stage flush', 'backup stage block_ddl', 'backup stage block_commit'],
  end: 'backup stage end',
};

const readLock: Way = {
  name: 'read lock',
  begin: ['flush tables with read lock'],
  end: 'unlock tables',
};

/** Runs `work` while nothing is committed, or, where the rights or the time do not allow that, just runs it. */
export const inStillness = async <Result>(
  connection: Connection,
  options: StillnessOptions,
  work: (how: Stillness) => Promise<Result>,
): Promise<Result> => {
  const ways = connection.version.engine === 'mariadb' ? [backupStage, readLock] : [readLock];
  for (const way of ways) {
    const outcome = await begin(connection, way, options);
    if (outcome === 'denied') continue;
    if (outcome === 'busy') break;
    try {
      return await work(way.name);
    } finally {
      if (connection.usable) await connection.run(way.end);
    }
  }
  return await work('none');
};

type Outcome = 'begun' | 'denied' | 'busy';

const begin = async (
  connection: Connection,
  way: Way,
  { clock, signal, timeoutSeconds }: StillnessOptions,
): Promise<Outcome> => {
  try {
    await patiently(connection, { clock, signal, seconds: timeoutSeconds }, () => attempt(connection, way));
    return 'begun';
  } catch (error) {
    if (!connection.usable || error instanceof HoldfastError) throw error;
    if (isDenied(error)) return 'denied';
    if (isLocked(error)) return 'busy';
    throw error;
  }
};

const attempt = async (connection: Connection, { begin, end }: Way): Promise<void> => {
  try {
    for (const statement of begin) await connection.run(statement);
  } catch (error) {
    if (connection.usable && !isDenied(error)) await takeBack(connection, end);
    throw error;
  }
};

/** A read lock that was refused may be held in part; of stages others may have begun the first one. */
const takeBack = async (connection: Connection, end: string): Promise<void> => {
  try {
    await connection.run(end);
  } catch (error) {
    if (errnoOf(error) !== errno.noBackupStage) throw error;
  }
};
