// A line with the latency of a distant server, or one that breaks: a proxy on the loopback.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SlowLine extends AsyncDisposable {
  readonly port: number;
  /**
   * Breaks every connection as soon as this many more bytes have gone towards the server; `forGood` lets none in afterwards, `half`
   * only lets the server hear the end of the one that sent them.
   */
  breakAfter(bytes: number, options?: { readonly forGood?: boolean; readonly half?: boolean }): void;
  /**
   * Breaks every connection when a piece with these words has gone towards the server, which gets it and cannot answer; `alone` breaks
   * no other than that which sent it.
   */
  breakAt(words: string, options?: { readonly alone?: boolean }): void;
  /** From now on nothing passes, in either direction, and nothing is closed. */
  freeze(): void;
  /**
   * Keeps answers back from when more has gone in a direction than requests and replies without content are, until so many bytes have:
   * who waits for an answer to each piece never gets there. Resolves then.
   */
  answerAfter(bytes: number): Promise<void>;
}

/** Passes on what comes to the port, each piece `roundTripMs / 2` later in each direction, at any speed. */
export const slowLine = async (target: number, roundTripMs: number): Promise<SlowLine> => {
  const sockets = new Set<Socket>();
  let bytesLeft = Number.POSITIVE_INFINITY;
  let forGood = false;
  let half = false;
  let lastWords: string | undefined;
  let alone = false;
  let isFrozen = false;
  let withheld: Withheld | undefined;
  const server = createServer((client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    }
    const isOpen = (): boolean => !isFrozen;
    delay(client, upstream, roundTripMs / 2, isOpen);
    delay(upstream, client, roundTripMs / 2, isOpen, () => withheld?.released);
    client.on('data', ({ length }) => withheld?.count('requests', length));
    upstream.prependListener('data', ({ length }) => withheld?.count('answers', length));
    client.on('data', (chunk) => {
      if (lastWords !== undefined && chunk.includes(lastWords)) {
        lastWords = undefined;
        setTimeout(() => {
          for (const socket of alone ? [client, upstream] : sockets) socket.destroySoon();
        }, roundTripMs / 2);
      }
      bytesLeft -= chunk.length;
      if (bytesLeft > 0) return;
      bytesLeft = Number.POSITIVE_INFINITY;
      if (half) return void upstream.end();
      for (const socket of sockets) socket.destroy();
      if (forGood) server.close();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    breakAfter: (bytes, options = {}) => {
      bytesLeft = bytes;
      forGood = options.forGood ?? false;
      half = options.half ?? false;
    },
    breakAt: (words, options = {}) => {
      lastWords = words;
      alone = options.alone ?? false;
    },
    freeze: () => {
      isFrozen = true;
    },
    answerAfter: (bytes) => {
      withheld = new Withheld(bytes);
      return withheld.enough;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
};

const delay = (
  from: Socket,
  to: Socket,
  ms: number,
  isOpen: () => boolean,
  until: () => Promise<void> | undefined = () => undefined,
): void => {
  const later = (act: () => void): void => {
    const wait = until();
    if (wait) void wait.then(() => setTimeout(act, ms));
    else setTimeout(act, ms);
  };
  from.on('data', (chunk) => later(() => isOpen() && to.writable && to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('close', () => later(() => to.destroy()));
};

/** More than any request or reply without content has. */
const withoutContentBytes = 8192;

/** Answers that are kept back until there is enough on the line. */
class Withheld {
  readonly enough: Promise<void>;
  readonly #bytes: number;
  readonly #gone = { requests: 0, answers: 0 };
  #release = (): void => {};

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.enough = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** What answers wait for, once there is content on the line. */
  get released(): Promise<void> | undefined {
    return Math.max(this.#gone.requests, this.#gone.answers) > withoutContentBytes ? this.enough : undefined;
  }

  count(direction: 'requests' | 'answers', bytes: number): void {
    this.#gone[direction] += bytes;
    if (this.#gone[direction] >= this.#bytes) this.#release();
  }
}
