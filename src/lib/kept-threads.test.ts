import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { temporaryFolder } from '../../test/tools/temp.ts';
import { keepThread, takeThread } from './kept-threads.ts';

const folder = temporaryFolder('threads');

/** A thread's file that answers, and ends when it is told to. */
const echo = (name: string): URL => {
  const path = join(folder, `${name}.mjs`);
  const answer = `(word) => (word === 'die' ? process.exit() : parentPort.postMessage(word))`;
  writeFileSync(
    path,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', ${answer});\n`,
  );
  return pathToFileURL(path);
};

const ask = async (thread: Worker, word: string): Promise<unknown> => {
  const reply = once(thread, 'message');
  thread.postMessage(word);
  return (await reply)[0];
};

test('a thread that was kept serves the next that asks for its file, and nobody else', async () => {
  const [one, other] = [echo('one'), echo('other')];
  const thread = takeThread(one);
  const heard: unknown[] = [];
  thread.on('message', (word) => heard.push(word));
  assert.equal(await ask(thread, 'a'), 'a');
  keepThread(thread);
  const stranger = takeThread(other);
  assert.notEqual(stranger, thread);
  assert.equal(takeThread(one), thread);
  const second = takeThread(one);
  assert.notEqual(second, thread);
  assert.equal(await ask(thread, 'b'), 'b');
  assert.deepEqual(heard, ['a'], 'who let it go hears no more of it');
  await Promise.all([thread, stranger, second].map((each) => each.terminate()));
});

test('one that has ended meanwhile is not handed out', async () => {
  const file = echo('ends');
  const thread = takeThread(file);
  await ask(thread, 'a');
  keepThread(thread);
  const ended = once(thread, 'exit');
  thread.postMessage('die');
  await ended;
  const next = takeThread(file);
  assert.notEqual(next, thread);
  assert.equal(await ask(next, 'b'), 'b');
  await next.terminate();
});

test('one that nobody wants ends, and keeps no process meanwhile', async () => {
  const thread = takeThread(echo('idle'));
  await ask(thread, 'a');
  keepThread(thread);
  const waits = setInterval(() => {}, 1000); // for neither the thread nor its timer does
  await once(thread, 'exit');
  clearInterval(waits);
});

test('one that has served often is replaced', async () => {
  const file = echo('often');
  const served = new Set<Worker>();
  for (let use = 0; use < 40; use += 1) {
    const thread = takeThread(file);
    await ask(thread, 'a');
    served.add(thread);
    keepThread(thread);
  }
  assert.ok(served.size > 1 && served.size < 10, `${served.size} threads for 40 uses`);
});
