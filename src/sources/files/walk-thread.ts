// A walk on a thread of its own, beside the work on what it has found.
import { Worker } from 'node:worker_threads';
import { throwIfCancelled } from '#lib/clock.ts';
import { threadEnded } from '#lib/file-limit.ts';
import type { Context } from '#lib/kind.ts';
import { errorOf } from '#lib/plain-error.ts';
import { workerUrl } from '#lib/worker-url.ts';
import type { Seen } from './walk.ts';
import type { Records, WalkReply, WalkRequest } from './walk-messages.ts';
import { readRecords } from './walk-records.ts';

const resourceLimits = { maxYoungGenerationSizeMb: 6 };

/** One that was started before it was needed. */
let ready: Worker | undefined;

/** Starts a thread, which takes as long as many files do, for a walk that will come. Until then it may be ended at any time. */
export const readyThread = (): void => {
  ready ??= startThread();
};

/** For whoever will not walk on a thread after all. */
export const dismissThread = (): void => {
  void ready?.terminate();
  ready = undefined;
};

const startThread = (): Worker => {
  const thread = new Worker(workerUrl(import.meta.url, './walk-worker'), { resourceLimits });
  thread.unref(); // alone it keeps no process
  thread.on('error', () => {}); // whoever uses it hears of it
  thread.once('exit', () => {
    if (ready === thread) ready = undefined;
  });
  return thread;
};

/** As `walkTree`, some of them at a time. Errors are as there, and CANCELLED. */
export async function* walkOnThread(
  what: Omit<WalkRequest, 'taken'>,
  { signal, log }: Pick<Context, 'signal' | 'log'>,
): AsyncGenerator<Iterable<Seen>> {
  const taken = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const thread = ready ?? startThread();
  ready = undefined;
  thread.ref();
  const found: Records[] = [];
  const begun = Promise.withResolvers<void>();
  let end: { error?: Error } | undefined;
  let wake = (): void => {};
  thread.on('message', (reply: WalkReply) => {
    begun.resolve();
    if (reply.kind === 'records') found.push(reply.records);
    else if (reply.kind === 'log') log[reply.level](...reply.words);
    else if (reply.kind !== 'begun') end = reply.kind === 'failed' ? { error: errorOf(reply.error) } : {};
    wake();
  });
  const fail = (cause: unknown): void => {
    begun.resolve();
    end ??= { error: threadEnded('the thread that walks', cause) };
    wake();
  };
  thread.on('error', fail).on('exit', () => fail('too early'));
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  const request: WalkRequest = { ...what, taken: taken.buffer };
  thread.postMessage(request);
  try {
    for (;;) {
      throwIfCancelled(signal);
      const records = found.shift();
      if (records) {
        Atomics.add(taken, 0, 1);
        Atomics.notify(taken, 0);
        yield readRecords(records);
      } else if (end) {
        if (end.error) throw end.error;
        return;
      } else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await begun.promise; // a thread that is ended while it loads system calls would take the process with it
    await thread.terminate();
  }
}
