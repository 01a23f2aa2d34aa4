// What stands between us and a server, and leads connections to it: it cuts those that are silent, and may lead to several servers.
import { HoldfastError } from '#lib/errors.ts';

/** HAProxy cuts after 50 seconds, as Debian has it; ours are silent for at most twice this. */
const quietMs = 15_000;

/** How long a server may take to close a connection that is said goodbye on: one that is frozen never does. */
export const farewellLimitMs = 10_000;

/** Says something on a connection when nothing was said for a while. */
export class KeepAwake {
  readonly #timer: NodeJS.Timeout;
  #isQuiet = false;

  /** `say`: only when nothing is under way. */
  constructor(say: () => void) {
    this.#timer = setInterval(() => {
      if (this.#isQuiet) say();
      this.#isQuiet = true;
    }, quietMs).unref();
  }

  /** Something is said now. */
  spoken(): void {
    this.#isQuiet = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Connections that should see one state end at servers that are in different ones. */
export const severalServers = (server: string, cause?: unknown): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `connections to ${server} end at several servers`, {
    hint: 'name one of the servers, not the balancer before them, or let it lead all connections to one',
    cause,
  });
