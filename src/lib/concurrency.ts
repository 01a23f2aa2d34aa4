// The only ways to do several things at once: bounded, and stopped by the first error.

/** Runs `work` on each item, at most `limit` at a time; the first error stops the pulling of more, waits for what runs, and is thrown. */
export const forEachLimit = async <Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  for await (const item of items) {
    const task: Promise<void> = work(item)
      .catch((error: unknown) => void errors.push(error))
      .finally(() => running.delete(task));
    running.add(task);
    if (running.size >= limit) await Promise.race(running);
    if (errors.length > 0) break;
  }
  await Promise.all(running);
  if (errors.length > 0) throw errors[0];
};

/** What is asked before it is needed: its error is met by whoever waits for it then. */
export const early = <Result>(asked: Promise<Result>): Promise<Result> => {
  asked.catch(() => {});
  return asked;
};

/** Yields the results of `work` in the order of the items, with at most `limit` running ahead of the reader. */
export async function* mapOrdered<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const queue: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      queue.push(early(work(item)));
      if (queue.length >= limit) yield await (queue.shift() as Promise<Result>);
    }
    while (queue.length > 0) yield await (queue.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(queue);
  }
}

/** A gate that lets so many callers through at once, first come, first served. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(permits: number) {
    this.#free = permits;
  }

  /** True when `acquire` would not wait. */
  get isFree(): boolean {
    return this.#free > 0;
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }

  /** Runs `work` with a permit held. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.acquire();
    try {
      return await work();
    } finally {
      this.release();
    }
  }
}
