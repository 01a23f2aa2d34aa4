// The suite every source passes before its own tests: what a repository relies on when it reads a dump, and what a user
// relies on when it is restored. It needs no repository: dump a full source, restore into an empty one, compare.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { checkManifest } from './contract-manifest.ts';
import type { Entry, EntryMeta, Source } from './source.ts';
import {
  type CapturedEntry,
  capture,
  contentOf,
  fingerprint,
  intoEmpty,
  previousOf,
  replay,
} from './testing.ts';

/** A real place with data worth keeping, and how to make empty ones of its kind. */
export interface SourceFixture extends AsyncDisposable {
  /** Opens the source that has the data; called several times, each time on the same, unchanging data. */
  open(signal: AbortSignal): Promise<Source>;
  /** A source of the same kind on a new, empty place. */
  emptyTarget(): Promise<Source>;
  /** Throws unless the restored place equals the original, seen through other eyes than the source's own (a client, `lstat`). */
  same(target: Source): Promise<void>;
  /** What of each entry's metadata a restore brings back, besides path and type. */
  readonly keeps: readonly (keyof EntryMeta)[];
  /** What of an entry's content a restored place tells as the original does, where that is not all: the rest is the server's own. */
  readonly told?: (path: string, content: Uint8Array) => Uint8Array;
  /** Paths of the manifests that the dump must hold; they are held against the rows, not compared byte by byte. */
  readonly manifests: readonly string[];
  /** True when a dump of unchanged data marks every file entry `unchanged`. */
  readonly knowsUnchanged: boolean;
  /** How many things are open on the data's behalf (connections, descriptors): the same before and after a dump. */
  openThings?(): Promise<number>;
}

/** Registers the suite. `make` is called once; its fixture is disposed of at the end. */
export const sourceContract = (name: string, make: () => Promise<SourceFixture>): void => {
  suite(`source contract: ${name}`, () => {
    let fixture: SourceFixture;
    let dumped: readonly CapturedEntry[];
    before(async () => {
      fixture = await make();
      await using source = await fixture.open(new AbortController().signal);
      dumped = await capture(source);
    });
    after(async () => await fixture?.[Symbol.asyncDispose]());
    const context: Context = { fixture: () => fixture, dumped: () => dumped };
    testReading(context);
    testStopping(context);
    testRestoring(context);
  });
};

interface Context {
  fixture(): SourceFixture;
  dumped(): readonly CapturedEntry[];
}

const never = (): AbortSignal => new AbortController().signal;

const testReading = ({ fixture, dumped }: Context): void => {
  test('check finds nothing wrong with a healthy source', async () => {
    await using source = await fixture().open(never());
    const findings = await source.check();
    assert.deepEqual(
      findings.filter(({ level }) => level === 'error'),
      [],
    );
  });

  test('the dump holds entries, and every one is well formed', () => {
    assert.ok(dumped().some(({ type }) => type === 'file'));
    for (const entry of dumped()) assertWellFormed(entry);
  });

  test('a directory comes before what is in it, its entries are contiguous, and no path comes twice', () => {
    assertDepthFirst(dumped());
  });

  test('contents read side by side are those read one after the other', async () => {
    await using source = await fixture().open(never());
    assert.ok(source.concurrency >= 1);
    const together = await capture(source, undefined, Math.max(2, source.concurrency));
    assert.deepEqual(comparable(fixture(), together), comparable(fixture(), dumped()));
  });

  test('manifests parse and agree with the rows that were read', () => {
    const present = dumped().filter(({ path }) => fixture().manifests.includes(path));
    assert.equal(present.length, fixture().manifests.length, 'a manifest is missing');
    for (const manifest of present) checkManifest(manifest, dumped());
  });

  test('with an unchanged previous snapshot, what is marked unchanged was in it, and the rest reads the same', async () => {
    await using source = await fixture().open(never());
    const again = await capture(source, previousOf(dumped()));
    const known = new Map(dumped().map((entry) => [entry.path, entry]));
    const carriedOver = again.map((entry): CapturedEntry => {
      if (!entry.unchanged) return entry;
      const { unchanged: _, ...rest } = entry;
      const before = known.get(entry.path);
      assert.equal(before?.type, 'file', `${entry.path} is not a file of the previous snapshot`);
      return before?.content ? { ...rest, content: before.content } : rest;
    });
    assert.deepEqual(comparable(fixture(), carriedOver), comparable(fixture(), dumped()));
    if (fixture().knowsUnchanged)
      assert.deepEqual(
        again.filter(({ type, unchanged }) => type === 'file' && !unchanged).map(({ path }) => path),
        [],
        'every file is marked unchanged',
      );
  });
};

const testStopping = ({ fixture, dumped }: Context): void => {
  const leavesNothingOpen = async (act: (source: Source, cancel: AbortController) => Promise<void>) => {
    const openBefore = await fixture().openThings?.();
    const cancel = new AbortController();
    {
      await using source = await fixture().open(cancel.signal);
      await act(source, cancel);
    }
    assert.equal(await fixture().openThings?.(), openBefore, 'something stayed open');
  };

  test('a reader may stop after the first entry, and nothing stays open', async () => {
    await leavesNothingOpen(async (source) => {
      for await (const _ of source.dump()) break;
    });
  });

  test('a reader may stop in the middle of a content, and nothing stays open', async () => {
    await leavesNothingOpen(async (source) => {
      for await (const entry of source.dump()) {
        if (!entry.content) continue;
        for await (const _ of entry.content()) break;
        break;
      }
    });
  });

  test('contents that nobody reads neither block the dump nor stay open', async () => {
    await leavesNothingOpen(async (source) => {
      let entries = 0;
      for await (const _ of source.dump()) entries += 1;
      assert.equal(entries, dumped().length);
    });
  });

  test('cancelling in the middle of a dump ends it with CANCELLED, and nothing stays open', async () => {
    await leavesNothingOpen(async (source, cancel) => {
      const reading = (async () => {
        for await (const entry of source.dump()) {
          cancel.abort();
          await contentOf(entry);
        }
      })();
      await assert.rejects(reading, (error) => hasCode(error, 'CANCELLED'));
    });
  });
};

const testRestoring = ({ fixture, dumped }: Context): void => {
  test('what is restored into an empty place dumps as the same entries, and is the same', async () => {
    await using target = await fixture().emptyTarget();
    const report = await target.restore(replay(dumped()), intoEmpty);
    assert.deepEqual(report.failures, []);
    const restored = await capture(target);
    assert.deepEqual(comparable(fixture(), restored), comparable(fixture(), dumped()));
    await fixture().same(target);
  });

  test('a place that is not empty is refused before anything is read or written', async () => {
    await using target = await fixture().emptyTarget();
    await target.restore(replay(dumped()), intoEmpty);
    let pulled = 0;
    const counting = async function* (): AsyncGenerator<Entry> {
      for await (const entry of replay(dumped())) {
        pulled += 1;
        yield entry;
      }
    };
    await assert.rejects(target.restore(counting(), intoEmpty), (error) =>
      hasCode(error, 'TARGET_NOT_EMPTY'),
    );
    assert.ok(pulled <= 1, 'entries were read');
    await fixture().same(target);
  });

  test('entries that break off fail the restore with their own error', async () => {
    await using target = await fixture().emptyTarget();
    const broken = new Error('the repository went away');
    const breaking = async function* (): AsyncGenerator<Entry> {
      for await (const entry of replay(dumped().slice(0, -1))) yield entry;
      throw broken;
    };
    await assert.rejects(
      target.restore(breaking(), intoEmpty),
      (error) => error === broken || (error as Error).cause === broken,
    );
  });

  test('a content that breaks off is reported or refused, never taken for whole', async () => {
    const victim = dumped().find(({ content }) => content && content.length > 1);
    assert.ok(victim);
    const broken = new HoldfastError('REPOSITORY_DAMAGED', 'a blob is damaged');
    const breaking = async function* (): AsyncGenerator<Entry> {
      for await (const entry of replay(dumped()))
        yield entry.path === victim.path ? { ...entry, content: () => breakingOff(victim, broken) } : entry;
    };
    await using target = await fixture().emptyTarget();
    const failed = await target.restore(breaking(), intoEmpty).then(
      ({ failures }) => failures.map(({ error }) => error),
      (error: unknown) => [error],
    );
    assert.ok(
      failed.some((error) => error === broken || (error as Error).cause === broken),
      'the failure was not reported',
    );
  });

  test('a path that would leave the target is reported or refused, never written', async () => {
    for (const path of ['../outside', '/outside', 'a/../../outside', 'a//b', './a', 'nul\0byte']) {
      await using target = await fixture().emptyTarget();
      const hostile: CapturedEntry = { path, type: 'file', meta: {}, content: Buffer.from('x') };
      const failed = await target.restore(replay([hostile]), intoEmpty).then(
        (report) => report.failures.map(({ error }) => error),
        (error: unknown) => [error],
      );
      assert.ok(
        failed.some((error) => hasCode(error, 'PATH_UNSAFE')),
        `${JSON.stringify(path)} was not reported as PATH_UNSAFE`,
      );
    }
  });
};

function* breakingOff({ content }: CapturedEntry, error: Error): Generator<Uint8Array> {
  yield content?.subarray(0, content.length >> 1) ?? new Uint8Array();
  throw error;
}

const assertWellFormed = ({ path, type, meta, content, failed }: CapturedEntry): void => {
  const where = JSON.stringify(path);
  if (path === '') assert.equal(type, 'dir', 'only a directory has the empty path');
  else
    for (const part of path.split('/')) {
      assert.ok(part !== '' && part !== '.' && part !== '..', `${where} has the component ${part}`);
      assert.ok(!part.includes('\0'), `${where} has a NUL`);
    }
  assert.equal(failed, undefined, `${where} could not be read`);
  assert.equal(content !== undefined, type === 'file', `${where}: files, and only they, have content`);
  assert.equal(meta.linkTarget !== undefined, type === 'symlink', `${where}: symlinks have a target`);
  if (meta.mode !== undefined) assert.equal(meta.mode & ~0o7777, 0, `${where}: mode has type bits`);
};

/** Fails when a path comes twice, comes before its directory, or comes after its directory was left. */
const assertDepthFirst = (entries: readonly CapturedEntry[]): void => {
  const seen = new Set<string>();
  const left = new Set<string>();
  let open: readonly string[] = [];
  for (const { path } of entries) {
    assert.ok(!seen.has(path), `${path} comes twice`);
    seen.add(path);
    const folders = path === '' ? [] : foldersOf(path);
    for (const folder of open) if (!folders.includes(folder)) left.add(folder);
    for (const folder of folders) assert.ok(!left.has(folder), `${path} comes after ${folder} was left`);
    assert.ok(!left.has(path), `${path} comes after what is in it`);
    open = [...folders, path];
  }
};

const foldersOf = (path: string): string[] => {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
};

/** What two dumps of the same data have in common, in a form whose difference can be read. */
const comparable = (fixture: SourceFixture, entries: readonly CapturedEntry[]): unknown[] =>
  entries.map(({ path, type, meta, content }) => ({
    path,
    type,
    content: fixture.manifests.includes(path)
      ? 'a manifest'
      : fingerprint(content && (fixture.told?.(path, content) ?? content)),
    ...Object.fromEntries(fixture.keeps.map((key) => [key, meta[key]])),
  }));
