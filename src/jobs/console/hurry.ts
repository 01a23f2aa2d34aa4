// What needs the store of the console has something better to do than to wait for it: jobs, and to look again soon.
import { HoldfastError } from '#lib/errors.ts';
import type { JobContext } from '../job-context.ts';

const patienceMs = 30_000;
const limitMs = 10 * 60_000;

/** With little patience for stores that are away. */
export const hurried = (context: JobContext): JobContext => ({
  ...context,
  storeOptions: { ...context.storeOptions, patienceMs },
});

/** Does it in a hurry. STORE_UNREACHABLE when it is not done in ten minutes all the same. */
export const inAHurry = async <Result>(
  context: JobContext,
  work: (context: JobContext) => Promise<Result>,
): Promise<Result> => {
  const timeout = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([context.signal, timeout]);
  try {
    return await work({ ...hurried(context), signal });
  } catch (cause) {
    if (!timeout.aborted || context.signal.aborted) throw cause;
    const text = `it was not done within ${limitMs / 60_000} minutes`;
    throw new HoldfastError('STORE_UNREACHABLE', text, { cause });
  }
};
