// A walk on a thread of its own: it must see what the walk on this one sees.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { hasCode } from '#lib/errors.ts';
import { type Log, silentLog } from '#lib/log.ts';
import { capture, previousOf } from '../testing.ts';
import { filesConfig } from './options.ts';
import { placesOf } from './places.ts';
import { planOf } from './roots.ts';
import { selectionOf } from './selection.ts';
import { asNobody, calls, filesSource, isRoot, makeOddTree, makeTree, temporaryFolder } from './testing.ts';
import { type Seen, walkTree } from './walk.ts';
import { dismissThread, readyThread, walkOnThread } from './walk-thread.ts';
import { xattrReader } from './xattrs.ts';

const never = (): AbortSignal => new AbortController().signal;

const logInto = (lines: unknown[]): Log => ({
  ...silentLog,
  info: (...words: unknown[]) => void lines.push(['info', ...words]),
  warn: (...words: unknown[]) => void lines.push(['warn', ...words]),
});

const onThread = async (path: string, log: Log = silentLog, signal = never()): Promise<Seen[]> => {
  const all: Seen[] = [];
  const what = { config: filesConfig.parse({ path }), moved: [], withXattrs: true };
  for await (const some of walkOnThread(what, { signal, log })) all.push(...some);
  return all;
};

const onThisOne = (path: string, log: Log = silentLog): Seen[] => {
  const options = filesConfig.parse({ path });
  const [plan, places, selection] = [planOf(options), placesOf([]), selectionOf(options)];
  return [...walkTree({ plan, places, selection, readXattrs: xattrReader('auto', calls), options, log })];
};

test('it sees what a walk on this thread sees, and says the same', async () => {
  using folder = temporaryFolder();
  makeOddTree(folder.path);
  if (isRoot) execFileSync('mknod', [join(folder.path, 'device'), 'c', '1', '3']);
  const socket = createServer().listen(join(folder.path, 'socket'));
  const [here, there]: [unknown[], unknown[]] = [[], []];
  try {
    assert.deepEqual(await onThread(folder.path, logInto(there)), onThisOne(folder.path, logInto(here)));
  } finally {
    socket.close();
  }
  assert.equal(here.length, 1);
  assert.deepEqual(there, here);
});

test('what cannot be read is told as on this thread', { skip: isRoot ? false : 'needs root' }, async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { 'closed/x': '', 'open/x': '' });
  chmodSync(folder.path, 0o755);
  chmodSync(join(folder.path, 'closed'), 0o700);
  const failuresIn = (all: readonly Seen[]): unknown[] =>
    all.map(({ path, failed }) => [path, failed?.code, failed?.message, failed?.hint]);
  await asNobody(async () => {
    const there = failuresIn(await onThread(folder.path));
    assert.deepEqual(there, failuresIn(onThisOne(folder.path)));
    assert.equal(there.filter((one) => (one as unknown[])[1] === 'ITEM_UNREADABLE').length, 1);
    await assert.rejects(onThread(join(folder.path, 'closed')), (error) => hasCode(error, 'SOURCE_DENIED'));
  });
});

test('of many names all arrive in order, though it must wait for whoever takes them', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { one: '' });
  for (let at = 0; at < 6000; at += 1) linkSync(join(folder.path, 'one'), join(folder.path, `another ${at}`));
  readyThread();
  const seen = (await onThread(folder.path)).map(({ path }) => path);
  assert.deepEqual(
    seen,
    onThisOne(folder.path).map(({ path }) => path),
  );
});

test('a cancelled walk ends at once', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: '', b: '' });
  const cancelling = new AbortController();
  const walk = onThread(folder.path, silentLog, cancelling.signal);
  cancelling.abort();
  await assert.rejects(walk, (error) => hasCode(error, 'CANCELLED'));
});

test('a thread may be ended whenever that is', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: '' });
  for (let round = 0; round < 20; round += 1) {
    readyThread();
    await setTimeout(round % 10);
    if (round < 10) dismissThread();
    else await assert.rejects(onThread(folder.path, silentLog, AbortSignal.abort()));
  }
});

test('a file that was seen and is gone when it is to be read is no error', async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: '', b: '', c: '' });
  const source = filesSource({ path: folder.path });
  const dump = source.dump(previousOf(await capture(source), new Date()))[Symbol.asyncIterator]();
  assert.equal((await dump.next()).value?.path, '');
  rmSync(join(folder.path, 'b'));
  assert.equal((await dump.next()).value?.path, 'a');
  assert.equal((await dump.next()).value?.path, 'c');
});
