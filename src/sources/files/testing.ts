// Real folders with everything a file system can hold, and a look at them through other eyes than ours.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import type { Context } from '#lib/kind.ts';
import { type Log, silentLog } from '#lib/log.ts';
import type { Entry, EntryMeta, EntryType, Source } from '../source.ts';
import { intoEmpty } from '../testing.ts';
import { openFiles } from './open-files.ts';
import { filesConfig } from './options.ts';
import { loadSystemCalls, type SystemCalls } from './system-calls.ts';

/** A temporary folder that goes away with its holder. */
export const temporaryFolder = (): Disposable & { readonly path: string } => {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-files-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

export const calls: SystemCalls | undefined = await loadSystemCalls();

/** A source with these options, parsed as the configuration would be. */
export const filesSource = (
  options: Readonly<Record<string, unknown>>,
  overrides: {
    readonly signal?: AbortSignal;
    readonly calls?: SystemCalls | undefined;
    readonly log?: Log;
  } = {},
): Source => {
  const context: Context = {
    name: 'test',
    signal: overrides.signal ?? new AbortController().signal,
    log: overrides.log ?? silentLog,
    clock: systemClock,
  };
  return openFiles(filesConfig.parse(options), context, 'calls' in overrides ? overrides.calls : calls);
};

/** Files by path; a folder's path ends in '/', a symlink's content begins with '->'. */
export const makeTree = (folder: string, tree: Readonly<Record<string, string>>): void => {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(folder, path);
    mkdirSync(path.endsWith('/') ? place : join(place, '..'), { recursive: true });
    if (path.endsWith('/')) continue;
    if (content.startsWith('->')) symlinkSync(content.slice(2), place);
    else writeFileSync(place, content);
  }
};

/** Names no careful person would choose, and everything of a file but devices. */
export const makeOddTree = (folder: string): void => {
  makeTree(folder, {
    'empty-folder/': '',
    empty: '',
    'plain.txt': 'plain',
    'a-b': 'sorts before the slash of a/',
    'a/b': 'in a',
    'a.b': 'sorts after',
    'deep/er/and/deeper/file': 'deep',
    'new\nline': 'newline',
    'ends with space ': 'space',
    ' \\ " $HOME `x` * ? [x]': 'shell',
    ['n'.repeat(255)]: 'a name of 255 bytes',
    'ünï/日本/😀': 'not ASCII',
    '\uffee and \u{1f600}': 'UTF-16 sorts these the other way round',
    link: '->plain.txt',
    dangling: '->/nowhere/at/all',
    big: `${'0123456789abcdef'.repeat(200_000)}`,
    'only-read': 'x',
    program: '#!/bin/sh',
  });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9)]), 'latin-1 name');
  mkdirSync(Buffer.concat([Buffer.from(`${folder}/dir`), Buffer.of(0xff, 0x80)]));
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/dir`), Buffer.of(0xff, 0x80), Buffer.from('/x')]), 'x');
  symlinkSync(Buffer.of(0x2f, 0xfe), join(folder, 'link to bytes'));
  makeSparse(join(folder, 'sparse'));
  linkSync(join(folder, 'plain.txt'), join(folder, 'deep/hard-link'));
  linkSync(join(folder, 'plain.txt'), join(folder, 'another-hard-link'));
  for (const name of ['plain.txt', 'empty-folder', 'caf\udce9', 'ünï/日本'])
    calls?.setPathXattr(join(folder, name), 'user.note', Buffer.of(0, 0xff, 0x0a));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  chmodSync(join(folder, 'only-read'), 0o400);
  chmodSync(join(folder, 'program'), 0o4755);
  chmodSync(join(folder, 'empty-folder'), 0o1777);
  lutimesSync(join(folder, 'link'), 1_234_567_890.5, 1_234_567_890.5);
  for (const [name, year] of [
    ['big', 2400],
    ['program', 1902],
  ] as const)
    lutimesSync(join(folder, name), Date.UTC(year, 0) / 1000, Date.UTC(year, 0) / 1000);
  chmodSync(join(folder, 'deep/er'), 0o555);
};

/** 64 MiB, of which 8 KiB are not holes. */
export const makeSparse = (place: string): void => {
  const file = openSync(place, 'w');
  writeSync(file, Buffer.alloc(4096, 7), 0, 4096, 1 << 20);
  writeSync(file, Buffer.alloc(4096, 8), 0, 4096, 33 << 20);
  closeSync(file);
  truncateSync(place, 64 << 20);
};

/** What `find` says of everything below a folder; times to the nanosecond, names as bytes. */
export const findListing = (folder: string): string[] =>
  execFileSync('find', [folder, '-printf', '%P|%y|%m|%U|%G|%T@|%l|%n|%s\\0'], { encoding: 'latin1' })
    .split('\0')
    .map((line) => line.replace(/(\|d\|.*)\|\d+\|\d+$/, '$1')) // sizes and links of folders are the file system's own
    .sort();

/** How many files and folders below the temporary folder this process has open. */
export const openFileCount = (): number =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(tmpdir());
    } catch {
      return false; // one that the listing itself, or another thread, had open
    }
  }).length;

/** Runs something with the rights of nobody; for root only. */
export const asNobody = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([65534]);
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
};

/** A file has its own path as content unless it is given one. */
export const entry = (path: string, type: EntryType, meta: EntryMeta = {}, content = path): Entry =>
  type === 'file' ? { path, type, meta, content: () => [Buffer.from(content)] } : { path, type, meta };

/** Entries as a repository hands them out. */
export async function* each(...entries: readonly Entry[]): AsyncGenerator<Entry> {
  yield* entries;
}

export const isRoot = process.geteuid?.() === 0;

/** A target where files may be replaced. */
export const force = { ...intoEmpty, force: true };
