import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { suite, test } from 'node:test';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Clock } from '#lib/clock.ts';
import { type ErrorCode, hasCode } from '#lib/errors.ts';
import { jumpingClock } from '#lib/testing.ts';
import { temporaryFolder } from '../../../test/tools/temp.ts';
import { capture, contentOf } from '../testing.ts';
import { execute, openSqlite } from './testing.ts';

const folder = temporaryFolder('sqlite-reading', 0o755);
let made = 0;
const newFolder = (): string => {
  const path = join(folder, String(made++));
  mkdirSync(path, { mode: 0o755 });
  return path;
};

const shopIn = (place: string, journalMode = 'wal'): string => {
  const path = join(place, 'shop.db');
  execute(path, `PRAGMA journal_mode=${journalMode}; CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)`);
  return path;
};

const dump = async (path: string, config = {}, clock?: Clock) => {
  await using source = await openSqlite(path, config, clock ? { clock } : {});
  return await capture(source);
};

const rowsIn = (entries: Awaited<ReturnType<typeof dump>>): string =>
  String(entries.find(({ path }) => path === 'data/t/0000.sql')?.content);

suite('what cannot be read is refused with a reason', () => {
  const refused = async (path: string, code: ErrorCode, message: RegExp): Promise<void> => {
    await assert.rejects(dump(path), (error) => hasCode(error, code) && message.test(error.message));
    await using source = await openSqlite(path);
    const [finding] = await source.check();
    assert.match(finding!.message, message);
    assert.equal(finding!.level, 'error');
    assert.ok(finding!.hint);
  };

  test('a missing file, which is not made', async () => {
    const place = newFolder();
    await refused(join(place, 'none.db'), 'SOURCE_UNREACHABLE', /does not exist/);
    await refused(join(place, 'no/folder/none.db'), 'SOURCE_UNREACHABLE', /does not exist/);
    assert.deepEqual(readdirSync(place), []);
  });

  test('a folder', async () => await refused(newFolder(), 'SOURCE_UNREACHABLE', /is not a file/));

  test('an empty file', async () => {
    const path = join(newFolder(), 'empty.db');
    writeFileSync(path, '');
    await refused(path, 'SOURCE_UNREACHABLE', /is an empty file/);
  });

  test('what is no database, or an encrypted one', async () => {
    const path = join(newFolder(), 'secret.db');
    writeFileSync(path, Buffer.alloc(8192, 'not a database '));
    await refused(path, 'SOURCE_UNREACHABLE', /is not a SQLite database, or it is encrypted/);
  });
});

suite('a dump leaves the place as it was', () => {
  for (const mode of ['wal', 'delete', 'truncate', 'persist'])
    test(`of a closed database in ${mode} mode`, async () => {
      const place = newFolder();
      const path = shopIn(place, mode);
      const before = [readdirSync(place), readFileSync(path)];
      assert.match(rowsIn(await dump(path)), /VALUES\(2,2\)/);
      assert.deepEqual([readdirSync(place), readFileSync(path)], before);
    });

  test('of an open one, with what is only in its -wal file', async () => {
    const place = newFolder();
    const path = shopIn(place);
    using writer = new DatabaseSync(path);
    writer.exec('PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES(3)');
    const before = readdirSync(place);
    assert.match(rowsIn(await dump(path)), /VALUES\(3,3\)/);
    assert.deepEqual(readdirSync(place), before);
  });

  test('when the reader stops early', async () => {
    const place = newFolder();
    await using source = await openSqlite(shopIn(place));
    for await (const entry of source.dump()) if (entry.path.startsWith('data/')) break;
    assert.deepEqual(readdirSync(place), ['shop.db']);
  });
});

suite('somebody else’s lock', () => {
  test('is waited for', async () => {
    const path = shopIn(newFolder(), 'delete');
    const writer = new DatabaseSync(path);
    writer.exec('BEGIN EXCLUSIVE; INSERT INTO t VALUES(3)');
    const clock = jumpingClock();
    let naps = 0;
    const rows = await dump(
      path,
      {},
      {
        now: clock.now,
        async sleep() {
          naps += 1;
          if (naps === 3) writer.exec('COMMIT');
          await otherWork();
        },
      },
    );
    assert.match(rowsIn(rows), /VALUES\(3,3\)/);
    assert.equal(naps, 3);
    writer.close();
  });

  test('is given up on in the end', async () => {
    const path = shopIn(newFolder(), 'delete');
    using writer = new DatabaseSync(path);
    writer.exec('BEGIN EXCLUSIVE');
    await assert.rejects(
      dump(path, { busyTimeoutSeconds: 7 }, jumpingClock()),
      (error) => hasCode(error, 'SOURCE_UNREACHABLE') && /stayed locked for 7 s/.test(error.message),
    );
  });

  test('is no longer waited for when the run is cancelled', async () => {
    const path = shopIn(newFolder(), 'delete');
    using writer = new DatabaseSync(path);
    writer.exec('BEGIN EXCLUSIVE');
    const cancel = new AbortController();
    await using source = await openSqlite(path, {}, { signal: cancel.signal });
    setImmediate(() => cancel.abort());
    await assert.rejects(capture(source), (error) => hasCode(error, 'CANCELLED'));
  });
});

test('locks that somebody else in this process gave up fail the dump', {
  skip: process.platform === 'linux' ? false : 'other systems do not show locks',
}, async () => {
  for (const [mode, suffix] of [
    ['wal', ''],
    ['wal', '-shm'],
    ['delete', ''],
  ]) {
    const path = shopIn(newFolder(), mode);
    await using source = await openSqlite(path);
    const reading = (async () => {
      for await (const entry of source.dump()) {
        await contentOf(entry);
        if (entry.path === 'create.sql') readFileSync(path + suffix);
      }
    })();
    await assert.rejects(
      reading,
      (error) => hasCode(error, 'SOURCE_UNREACHABLE') && /locks/.test(error.message),
    );
  }
});

suite('a user who may only read', { skip: process.getuid?.() === 0 ? false : 'needs root' }, () => {
  /** Dumps as the user nobody, doing something after the first entry; returns the rows, and the error there may be. */
  const dumpAsNobody = (path: string, meanwhile = ''): string => {
    const script = `
      import { closeSync, openSync, writeSync } from 'node:fs';
      import { openSqlite } from './testing.ts';
      const path = ${JSON.stringify(path)};
      {
        // All code is loaded while we may read it: a clone may lie where only root may enter.
        await using other = await openSqlite(${JSON.stringify(shopIn(newFolder()))});
        for await (const entry of other.dump()) for await (const _ of entry.content());
      }
      process.setgroups([65534]);
      process.setgid(65534);
      process.setuid(65534);
      await using source = await openSqlite(path);
      try {
        for await (const entry of source.dump()) {
          for await (const chunk of entry.content()) if (entry.path.startsWith('data/')) process.stdout.write(chunk);
          if (entry.path === 'create.sql') { ${meanwhile} }
        }
      } catch (error) {
        console.log(error.code, error.message);
      }`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    return stdout + stderr;
  };

  test('reads a closed WAL database in a folder of somebody else', () => {
    const place = newFolder();
    const path = shopIn(place);
    chmodSync(path, 0o644);
    assert.match(dumpAsNobody(path), /VALUES\(2,2\)/);
    assert.deepEqual(readdirSync(place), ['shop.db']);
  });

  test('reads an open one', () => {
    const path = shopIn(newFolder());
    using writer = new DatabaseSync(path);
    writer.exec('INSERT INTO t VALUES(3)');
    for (const suffix of ['', '-wal', '-shm']) chmodSync(path + suffix, 0o644);
    assert.match(dumpAsNobody(path), /VALUES\(3,3\)/);
  });

  test('is told when a closed one was written to meanwhile', () => {
    const path = shopIn(newFolder());
    chmodSync(path, 0o666);
    const write = "const file = openSync(path, 'r+'); writeSync(file, 'S', 0); closeSync(file);";
    assert.match(dumpAsNobody(path, write), /SOURCE_UNREACHABLE .* was written to while it was read/);
  });

  test('is refused a file that may not be read', () => {
    const path = shopIn(newFolder());
    chmodSync(path, 0o600);
    assert.match(dumpAsNobody(path), /SOURCE_DENIED .* may not be read/);
  });
});
