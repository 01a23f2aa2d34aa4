// A worker thread of the read path.
import { parentPort, workerData } from 'node:worker_threads';
import type { OpenRequest, OpenWorkerData } from './open-messages.ts';
import { Opener } from './opener.ts';

const port = parentPort;
if (!port) throw new Error('open-worker runs as a worker thread only');
const opener = new Opener(workerData as OpenWorkerData);

port.on('message', (message: OpenRequest) => {
  const reply = opener.answer(message);
  port.postMessage(reply, reply.kind === 'blobs' ? [reply.plain] : []);
});
