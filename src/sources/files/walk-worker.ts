// The thread that walks: it goes ahead of whoever takes what it finds, as far as that may wait.
import { parentPort } from 'node:worker_threads';
import { plainError } from '#lib/plain-error.ts';
import { placesOf } from './places.ts';
import { planOf } from './roots.ts';
import { selectionOf } from './selection.ts';
import { loadSystemCalls } from './system-calls.ts';
import { walkTree } from './walk.ts';
import type { LogWords, WalkReply, WalkRequest } from './walk-messages.ts';
import { RecordWriter } from './walk-records.ts';
import { xattrReader } from './xattrs.ts';

/** So many entries are handed on at once, … */
const mostEntries = 128;
/** … and so many times before the first is taken: less than a MiB. */
const mostWaiting = 32;

const port = parentPort;
if (!port) throw new Error('walk-worker runs as a worker thread only');

const walk = async ({ config, moved, withXattrs, taken }: WalkRequest): Promise<void> => {
  const readXattrs = withXattrs ? xattrReader(config.xattrs, await loadSystemCalls()) : undefined;
  send({ kind: 'begun' });
  const records = new RecordWriter(mostEntries);
  const hand = handOn(records, new Int32Array(taken));
  const log = { info: tell('info'), warn: tell('warn') };
  const [plan, places, selection] = [planOf(config), placesOf(moved), selectionOf(config)];
  for (const seen of walkTree({ plan, places, selection, readXattrs, options: config, log })) {
    records.add(seen);
    if (records.isFull) hand();
  }
  hand();
};

const handOn = (writer: RecordWriter, taken: Int32Array<SharedArrayBuffer>) => {
  let handed = 0;
  return (): void => {
    for (let seen = Atomics.load(taken, 0); handed - seen >= mostWaiting; seen = Atomics.load(taken, 0))
      Atomics.wait(taken, 0, seen);
    const records = writer.take();
    handed += 1;
    send({ kind: 'records', records }, [records.fields]);
  };
};

const send = (reply: WalkReply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer);

const tell =
  (level: 'info' | 'warn') =>
  (...words: readonly unknown[]): void =>
    send({ kind: 'log', level, words: words as unknown as LogWords });

port.once('message', async (request: WalkRequest) => {
  try {
    await walk(request);
    send({ kind: 'done' });
  } catch (error) {
    send({ kind: 'failed', error: plainError(error) });
  }
});
