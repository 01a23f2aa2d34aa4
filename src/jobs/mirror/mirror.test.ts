import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { errorReport } from '#catalog/run.ts';
import { testCatalog } from '#catalog/testing.ts';
import { systemClock } from '#lib/clock.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { openLocalStore } from '#stores/local/local.ts';
import type { StoreConfig } from '#stores/registry.ts';
import type { Store } from '#stores/store.ts';
import type { JobEvent } from '../event.ts';
import { type MirrorRun, type MirrorTask, runMirror } from './mirror.ts';
import { csvOfStatuses } from './status-csv.ts';

/** A folder to copy, one to copy to, and runs that know of each other. */
const fixture = () => {
  const { folder, catalog, [Symbol.dispose]: dispose } = testCatalog();
  const events: JobEvent[] = [];
  const at = (...parts: string[]): string => join(folder, ...parts);
  mkdirSync(at('from'));
  const storeAt = (name: string, wrap = (store: Store): Store => store): StoreConfig => ({
    ...{ kind: 'local', config: {}, location: at(name), toJSON: () => ({}) },
    open: async () => wrap(openLocalStore(at(name))),
  });
  const read: string[] = [];
  const noting = (store: Store): Store => ({
    ...store,
    get(key, range) {
      read.push(key);
      return store.get(key, range);
    },
  });
  return {
    ...{ at, events, catalog, storeAt, read },
    write(path: string, content: string | Uint8Array): void {
      mkdirSync(dirname(at('from', path)), { recursive: true });
      writeFileSync(at('from', path), content);
    },
    copy: (path: string): string => readFileSync(at('to', path), 'utf8'),
    run: (task: Partial<MirrorTask> = {}, clock = systemClock): Promise<MirrorRun> =>
      runMirror(
        { job: 'copies', from: { '': storeAt('from', noting) }, to: storeAt('to'), mode: 'new', ...task },
        {
          ...{ catalog, clock, log: silentLog, signal: new AbortController().signal },
          onEvent: (event) => void events.push(event),
        },
      ),
    statuses: (): Record<string, string> =>
      Object.fromEntries(
        [...catalog.mirrors.files({ job: 'copies', store: at('to') })].map(({ path, status }) => [
          path,
          status,
        ]),
      ),
    [Symbol.dispose]: dispose,
  };
};

const counts = ({ state, succeeded, failed, passedOver }: MirrorRun) => [
  state,
  succeeded,
  failed,
  passedOver,
];

test('all that lies in a store is copied, once', async () => {
  using mirror = fixture();
  for (const path of ['a', 'b/c', 'b/d e']) mirror.write(path, `content of ${path}`);
  mirror.write('empty', '');
  assert.deepEqual(counts(await mirror.run()), ['ok', 4, 0, 0]);
  assert.equal(mirror.copy('b/d e'), 'content of b/d e');
  assert.deepEqual(counts(await mirror.run()), ['ok', 0, 0, 4]);
});

test('a file that changed and kept its size is copied again', async () => {
  using mirror = fixture();
  mirror.write('a', 'before');
  await mirror.run();
  mirror.write('a', 'after!');
  utimesSync(mirror.at('from', 'a'), 1, 2_000_000_000);
  assert.deepEqual(counts(await mirror.run()), ['ok', 1, 0, 0]);
  assert.equal(mirror.copy('a'), 'after!');
});

test('a file changed again after it was copied, within one step of the clock, is copied again, and read no more after that', async () => {
  using mirror = fixture();
  const time = new Date();
  const write = (content: string): void => {
    mirror.write('a', content);
    utimesSync(mirror.at('from', 'a'), time, time);
  };
  const run = async (secondsLater = 0): Promise<unknown[]> => {
    mirror.read.length = 0;
    const clock = { ...systemClock, now: () => new Date(Date.now() + secondsLater * 1000) };
    return [...counts(await mirror.run({}, clock)), mirror.read.length > 0];
  };
  write('before');
  assert.deepEqual(await run(), ['ok', 1, 0, 0, true]);
  write('after!');
  assert.deepEqual(await run(), ['ok', 1, 0, 0, true]);
  assert.equal(mirror.copy('a'), 'after!');
  assert.deepEqual(await run(120), ['ok', 0, 0, 1, true], 'compared');
  assert.deepEqual(await run(180), ['ok', 0, 0, 1, false], 'not even that');
});

test('a large file travels in pieces, and a small one may take its place', async () => {
  using mirror = fixture();
  const large = Buffer.alloc(9 * 1024 * 1024 + 1, 'holdfast');
  mirror.write('large', large);
  assert.deepEqual(counts(await mirror.run()), ['ok', 1, 0, 0]);
  assert.ok(large.equals(readFileSync(mirror.at('to', 'large'))));
  mirror.write('large', 'small now');
  assert.deepEqual(counts(await mirror.run()), ['ok', 1, 0, 0]);
  assert.equal(mirror.copy('large'), 'small now');
  assert.deepEqual(readdirSync(mirror.at('to')), ['large']);
});

test('a copy that is not found as it was written is removed, and written again by the next run', async () => {
  using mirror = fixture();
  for (const path of ['good', 'bad']) mirror.write(path, path);
  const forgetful = (store: Store): Store => ({
    ...store,
    put: (key, bytes) => store.put(key, key === 'bad' ? Buffer.from('dab') : bytes),
  });
  const run = await mirror.run({ to: mirror.storeAt('to', forgetful) });
  assert.deepEqual(counts(run), ['partial', 1, 1, 0]);
  assert.deepEqual(mirror.statuses(), { bad: 'FAIL_WRITE', good: 'OK' });
  assert.equal(existsSync(mirror.at('to', 'bad')), false);
  assert.deepEqual(counts(await mirror.run()), ['ok', 1, 0, 1]);
  assert.equal(mirror.copy('bad'), 'bad');
});

test('a store that cannot be reached ends the run; what was copied before is remembered', async () => {
  using mirror = fixture();
  for (let index = 0; index < 50; index += 1) mirror.write(`f${index}`, `${index}`);
  let calls = 0;
  const breaking = (store: Store): Store => ({
    ...store,
    async put(key, bytes) {
      calls += 1;
      if (calls > 10) throw new HoldfastError('STORE_UNREACHABLE', 'no line');
      await store.put(key, bytes);
    },
  });
  const run = await mirror.run({ to: mirror.storeAt('to', breaking) });
  assert.ok(hasCode(run.error, 'STORE_UNREACHABLE'));
  assert.deepEqual([run.state, run.status, run.succeeded], ['failed', 14, 10]);
  assert.ok(calls < 20, 'it was asked for all files');
  assert.deepEqual(counts(await mirror.run()), ['ok', 40, 0, 10]);
});

test('a place without any file is an error, since a disk that is not mounted looks like that', async () => {
  using mirror = fixture();
  const run = await mirror.run();
  assert.ok(hasCode(run.error, 'SOURCE_UNREACHABLE'));
  assert.equal(run.status, 13);
});

test('each file that failed is an item of the run', async () => {
  using mirror = fixture();
  mirror.write('a', 'a');
  const unreadable = (store: Store): Store => ({
    ...store,
    get: () => Promise.reject(new Error('bad sector')),
  });
  const run = await mirror.run({ from: { '': mirror.storeAt('from', unreadable) } });
  assert.deepEqual(mirror.statuses(), { a: 'FAIL_READ' });
  const { items, run: told } = mirror.catalog.run(run.id);
  assert.deepEqual(
    items.map(({ item, error }) => [item, error?.message]),
    [['a', 'bad sector']],
  );
  assert.deepEqual('itemsFailed' in told && [told.itemsFailed, told.items], [1, 0]);
});

test('statuses are told as CSV, with whatever stands in a path', async () => {
  using mirror = fixture();
  mirror.write('say "a, b"', 'x');
  await mirror.run();
  const [header, line] = [...csvOfStatuses(mirror.catalog.mirrors, ['copies'])];
  assert.match(header ?? '', /^job,store,path,status,size,/);
  assert.match(line ?? '', /^copies,[^,]+,"say ""a, b""",OK,1,SHA-256,2d711642/);
});

test('a file or folder whose name is not UTF-8 is a failure that is named, not left out', async () => {
  using mirror = fixture();
  mirror.write('whole', 'content');
  const raw = (name: string): Buffer => Buffer.from(`${mirror.at('from')}/${name}`, 'latin1');
  writeFileSync(raw('\xff'), 'content');
  mkdirSync(raw('folder\xfe'));
  writeFileSync(raw('folder\xfe/file'), 'content');

  assert.deepEqual(counts(await mirror.run()), ['partial', 1, 2, 0]);
  assert.deepEqual(mirror.statuses(), { whole: 'OK', '\uFFFD': 'FAIL_READ', 'folder\uFFFD': 'FAIL_READ' });
  const hints = mirror.events.map((event) => event.type === 'item-failed' && errorReport(event.error).hint);
  assert.ok(hints.some((hint) => hint && /not UTF-8/.test(hint)));
});

test('a file whose size is not told is no empty file', {
  skip: !existsSync('/proc/sys/fs/inotify'),
}, async () => {
  using mirror = fixture();
  mkdirSync(mirror.at('from'), { recursive: true });
  symlinkSync('/proc/sys/fs/inotify/max_user_watches', mirror.at('from/unknown'));
  mirror.write('empty', '');
  assert.deepEqual(counts(await mirror.run()), ['partial', 1, 1, 0]);
  assert.deepEqual(mirror.statuses(), { empty: 'OK', unknown: 'FAIL_READ' });
});

test('what may not be gone through is a failure by itself, and the rest is copied', async () => {
  using mirror = fixture();
  mirror.write('folder/a', 'a');
  mirror.write('z', 'z');
  symlinkSync('.', mirror.at('from/folder/loop'));
  for (const expected of [
    ['partial', 2, 1, 0],
    ['partial', 0, 1, 2],
  ])
    assert.deepEqual(counts(await mirror.run()), expected);
  assert.deepEqual(mirror.statuses(), { 'folder/a': 'OK', 'folder/loop': 'FAIL_READ', z: 'OK' });
  rmSync(mirror.at('from/folder/loop'));
  assert.deepEqual(counts(await mirror.run()), ['ok', 0, 0, 2]);
});

test('copies are not made among the originals, however the folder is called', async () => {
  using mirror = fixture();
  mirror.write('a', 'content');
  symlinkSync(mirror.at('from'), mirror.at('link'));
  for (const to of ['from', 'from/copies', 'link', 'link/copies']) {
    const run = await mirror.run({ to: mirror.storeAt(to) });
    assert.deepEqual([run.state, hasCode(run.error, 'CONFIG_INVALID')], ['failed', true], to);
  }
  assert.deepEqual(readdirSync(mirror.at('from')), ['a']);
  assert.equal((await mirror.run({ to: mirror.storeAt('from-elsewhere') })).state, 'ok');
});

test('a file that failed, and lies there no longer, is forgotten by the next run, which lists all', async () => {
  using mirror = fixture();
  mirror.write('whole', 'content');
  const raw = Buffer.from(`${mirror.at('from')}/\xff`, 'latin1');
  writeFileSync(raw, 'content');
  assert.deepEqual(counts(await mirror.run()), ['partial', 1, 1, 0]);
  assert.deepEqual(counts(await mirror.run()), ['partial', 0, 1, 1]);
  rmSync(raw);
  assert.deepEqual(counts(await mirror.run()), ['ok', 0, 0, 1]);
  assert.deepEqual(mirror.statuses(), { whole: 'OK' });
});
