import assert from 'node:assert/strict';
import { createHash, hash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { seededRandom } from '#lib/random.ts';
import { LendingSocket } from './lending-socket.ts';

const sent = Buffer.concat(
  Array.from({ length: 1024 }, (_, at) => Buffer.alloc(8192, seededRandom(`${at}`).integer(0, 255))),
);

/** A socket that is lent all of `sent`, which comes 8 KiB at a time. */
const lent = async (): Promise<LendingSocket> => {
  const server = createServer(async (socket) => {
    for (let at = 0; at < sent.length && !socket.destroyed; at += 8192)
      if (!socket.write(sent.subarray(at, at + 8192))) await once(socket, 'drain').catch(() => {});
    socket.end();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = new LendingSocket();
  socket.lending = true;
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

test('a socket that rests between reads gives everything in order', async () => {
  const socket = await lent();
  const received = createHash('sha256');
  socket.on('data', (bytes) => received.update(bytes));
  await once(socket, 'end');
  assert.equal(received.digest('hex'), hash('sha256', sent));
});

test('a socket that its reader has paused is not woken because it had rested', async () => {
  const socket = await lent();
  const ended = once(socket, 'end');
  let bytes = 0;
  let isPaused = false;
  socket.on('data', (read) => {
    assert.equal(isPaused, false);
    bytes += read.length;
    if (bytes % 7 !== 0) return;
    isPaused = true;
    socket.pause();
    setTimeout(() => {
      isPaused = false;
      socket.resume();
    }, 5);
  });
  await ended;
  assert.equal(bytes, sent.length);
});
