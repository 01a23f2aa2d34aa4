// The end of a cancelled run: what is under way may still end, if it ends soon.
import type { Clock } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';

/** So long a call may take once the run was cancelled: enough for what is small, as a lock that is removed. */
const partingMs = 3_000;

export interface PartingOptions {
  readonly clock: Clock;
  /** Fires when the run is cancelled. */
  readonly signal: AbortSignal;
}

/** Makes calls on one store; once the signal has fired, those that the store does not answer soon are given up. */
export class Parting {
  readonly #location: string;
  readonly #options: PartingOptions;
  readonly #underWay = new Set<(reason: HoldfastError) => void>();

  constructor(location: string, options: PartingOptions) {
    this.#location = location;
    this.#options = options;
    options.signal.addEventListener('abort', this.#giveUpAll);
  }

  /** STORE_UNREACHABLE when it is given up; what the store makes of it then, nobody is told. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#underWay.add(reject);
    if (this.#options.signal.aborted) void this.#giveUp([reject]);
    try {
      return await Promise.race([work(), promise]);
    } finally {
      this.#underWay.delete(reject);
    }
  }

  end(): void {
    this.#options.signal.removeEventListener('abort', this.#giveUpAll);
  }

  readonly #giveUpAll = (): void => void this.#giveUp([...this.#underWay]);

  async #giveUp(calls: readonly ((reason: HoldfastError) => void)[]): Promise<void> {
    await this.#options.clock.sleep(partingMs);
    const error = new HoldfastError('STORE_UNREACHABLE', `${this.#location} does not answer`, {
      hint: 'check the line and the server',
    });
    for (const reject of calls) reject(error);
  }
}
