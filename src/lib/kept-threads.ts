// Worker threads that serve one user after another: to begin takes a thread longer than most of what it is asked for.
import { type ResourceLimits, Worker } from 'node:worker_threads';

/** A thread that nobody has wanted for so long ends. */
const idleMs = 1000;
/** So does one that has been used so often: what each use leaves behind is collected late. */
const mostUses = 16;
const events = ['message', 'error', 'exit'] as const;

interface Kept {
  readonly file: string;
  uses: number;
  /** Ends it when nobody wants it. */
  timer?: NodeJS.Timeout;
}

const threads = new WeakMap<Worker, Kept>();
const idle = new Set<Worker>();

/** A thread that runs the file: one that was kept, else a new one. Its first message must say all that it is to know. */
export const takeThread = (file: URL, resourceLimits: ResourceLimits = {}): Worker => {
  for (const thread of idle)
    if (threads.get(thread)?.file === file.href) {
      forget(thread);
      silence(thread);
      thread.ref();
      return thread;
    }
  const thread = new Worker(file, { resourceLimits });
  threads.set(thread, { file: file.href, uses: 0 });
  return thread;
};

/**
 * Keeps a thread that was taken for the next that asks for one of its file. It must have answered all that it was asked; its listeners
 * are removed. The memory of what it did stays for a while: end those that have done much.
 */
export const keepThread = (thread: Worker): void => {
  const kept = threads.get(thread);
  if (!kept) return;
  silence(thread);
  thread.on('error', () => {}).once('exit', () => forget(thread));
  thread.unref();
  kept.uses += 1;
  const end = (): void => {
    forget(thread);
    void thread.terminate();
  };
  kept.timer = setTimeout(end, kept.uses < mostUses ? idleMs : 0).unref();
  if (kept.uses < mostUses) idle.add(thread);
};

const forget = (thread: Worker): void => {
  clearTimeout(threads.get(thread)?.timer);
  idle.delete(thread);
};

const silence = (thread: Worker): void => {
  for (const event of events) thread.removeAllListeners(event);
};
