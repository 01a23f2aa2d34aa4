// Connections that all see the same state. None can join later, so one that breaks is missed from then on.
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';

export interface Readers extends AsyncDisposable {
  readonly size: number;
  /** Streams on a connection of its own; waits for a free one. SOURCE_UNREACHABLE when none is left. */
  stream<Item>(work: (connection: Connection) => AsyncIterable<Item>): AsyncGenerator<Item>;
}

export const createReaders = (connections: readonly Connection[], server: string): Readers => {
  const idle = [...connections];
  const waiting: ((connection: Connection | undefined) => void)[] = [];
  let left = connections.length;
  let closed = false;

  const take = async (): Promise<Connection> => {
    for (let free = idle.pop(); free; free = idle.pop()) {
      if (free.usable) return free;
      forget();
    }
    const connection =
      left === 0 ? undefined : await new Promise<Connection | undefined>((resolve) => waiting.push(resolve));
    if (connection) return connection;
    throw new HoldfastError(
      'SOURCE_UNREACHABLE',
      `the sessions that held the state of ${server} have ended`,
      {
        hint: 'the server’s log says why; then run again',
      },
    );
  };
  const forget = (): void => {
    left -= 1;
    if (left === 0) for (const give of waiting.splice(0)) give(undefined);
  };
  const giveBack = (connection: Connection): void => {
    if (!connection.usable || closed) forget();
    else {
      const next = waiting.shift();
      if (next) next(connection);
      else idle.push(connection);
    }
  };
  return {
    size: connections.length,
    async *stream(work) {
      const connection = await take();
      try {
        yield* work(connection);
      } finally {
        giveBack(connection);
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      const ends = connections.map(async (connection) => {
        if (idle.includes(connection)) await connection[Symbol.asyncDispose]();
        else connection.destroy();
      });
      await Promise.all(ends);
    },
  };
};
