// A few connections to one database, each used by one reader at a time.
import { Semaphore } from '#lib/concurrency.ts';

/** What a pool must know of a connection. */
export interface Pooled extends AsyncDisposable {
  /** False once it broke or was ended. */
  readonly usable: boolean;
  /** Ends it at once, whatever it is doing. */
  destroy(): void;
}

export interface Pool<Connection> extends AsyncDisposable {
  /** Runs `work` on a connection of its own; waits for a free one. A connection that broke is replaced by the next. */
  use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result>;
  /** The same for a stream: the connection is given back when the stream ends, however it ends. */
  stream<Item>(work: (connection: Connection) => AsyncIterable<Item>): AsyncGenerator<Item>;
}

/** Connections are opened when they are first needed, at most `size`. */
export const createPool = <Connection extends Pooled>(
  size: number,
  open: () => Promise<Connection>,
): Pool<Connection> => {
  const gate = new Semaphore(size);
  const idle: Connection[] = [];
  const busy = new Set<Connection>();
  let closed = false;

  const take = async (): Promise<Connection> => {
    let connection = idle.pop();
    while (connection && !connection.usable) connection = idle.pop();
    connection ??= await open();
    busy.add(connection);
    return connection;
  };
  const giveBack = async (connection: Connection): Promise<void> => {
    busy.delete(connection);
    if (closed) await connection[Symbol.asyncDispose]();
    else if (connection.usable) idle.push(connection);
  };
  return {
    async use(work) {
      return await gate.run(async () => {
        const connection = await take();
        try {
          return await work(connection);
        } finally {
          await giveBack(connection);
        }
      });
    },
    async *stream(work) {
      await gate.acquire();
      try {
        const connection = await take();
        try {
          yield* work(connection);
        } finally {
          await giveBack(connection);
        }
      } finally {
        gate.release();
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      for (const connection of busy) connection.destroy();
      await Promise.all(idle.splice(0).map((connection) => connection[Symbol.asyncDispose]()));
    },
  };
};
