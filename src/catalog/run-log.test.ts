import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openCatalog } from './catalog.ts';
import { linesKept } from './run-log.ts';
import { minute, storedSource, succeeded, testCatalog } from './testing.ts';

test('a run is remembered with what it said, in order', () => {
  using held = testCatalog();
  const id = held.catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) });
  held.catalog.recordLog(id, { at: minute(0), level: 'info', text: 'shop: backing up' });
  held.catalog.recordLog(id, { at: minute(1), level: 'error', text: 'x'.repeat(5000) });
  held.catalog.endRun(id, succeeded(minute(2)));
  const [first, second] = held.catalog.log(id);
  assert.deepEqual(first, { at: minute(0), level: 'info', text: 'shop: backing up' });
  assert.equal(second?.text.length, 4001);
});

test('of a very long log the beginning and all that went wrong is kept, and the rest counted', () => {
  using held = testCatalog();
  const id = held.catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) });
  for (let line = 0; line < linesKept + 10; line += 1)
    held.catalog.recordLog(id, { at: minute(0), level: 'info', text: `line ${line}` });
  held.catalog.recordLog(id, { at: minute(1), level: 'error', text: 'the disk is full' });
  held.catalog.endRun(id, succeeded(minute(2)));
  assert.deepEqual(
    held.catalog
      .log(id)
      .slice(linesKept)
      .map(({ text }) => text),
    ['the disk is full', '10 more lines were not kept'],
  );
});

test('the log of a run that is long past is forgotten, the run is not', () => {
  using held = testCatalog();
  const ids = Array.from({ length: 102 }, (_, n) => {
    const id = held.catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(n) });
    held.catalog.recordLog(id, { at: minute(n), level: 'info', text: 'hello' });
    held.catalog.endRun(id, succeeded(minute(n)));
    return id;
  });
  assert.equal(ids.filter((id) => held.catalog.log(id).length > 0).length, 100);
  assert.equal(held.catalog.runs({ limit: 1000 }).length, 102);
});

test('a full disk is named, costs what the run said, and nobody who closes the catalog', () => {
  using held = testCatalog();
  const path = join(held.folder, 'catalog.db');
  const warnings: string[] = [];
  {
    using catalog = openCatalog(path, { warn: (text) => warnings.push(text) });
    const id = catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) });
    using database = new DatabaseSync(path);
    database.exec(`CREATE TRIGGER full BEFORE INSERT ON run_log BEGIN
      SELECT RAISE(ROLLBACK, 'database or disk is full'); END`);
    catalog.recordLog(id, { at: minute(0), level: 'info', text: 'shop: backing up' });
    assert.throws(() => catalog.endRun(id, succeeded(minute(1))), /cannot use .*: database or disk is full$/);
    catalog.recordLog(id, { at: minute(2), level: 'info', text: 'the last line' });
  }
  assert.match(warnings.join(), /^[^,]*cannot be written, .*database or disk is full$/);
});

test('a skipped run says for which due time, and does not hide how the job stands', () => {
  using held = testCatalog();
  const { catalog } = held;
  catalog.endRun(
    catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(0) }),
    succeeded(minute(1)),
  );
  const due = minute(5);
  const id = catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: minute(6), due, covers: 3 });
  catalog.endRun(id, { ...succeeded(minute(6)), state: 'skipped' });
  const { run } = catalog.run(id);
  assert.deepEqual(
    { state: run.state, due: run.due, covers: run.covers },
    { state: 'skipped', due, covers: 3 },
  );
  assert.equal(catalog.status()[0]?.last.state, 'succeeded');
});

test('runs of an older catalog keep their sources when the table of runs is made anew', () => {
  using held = testCatalog();
  const path = join(held.folder, 'old.db');
  {
    const migrations = join(import.meta.dirname, 'migrations');
    const [first = ''] = readdirSync(migrations).sort();
    using database = new DatabaseSync(path);
    database.exec(readFileSync(join(migrations, first), 'utf8'));
    database.exec(`PRAGMA user_version = 1;
      INSERT INTO runs (id, verb, started_ms, state, host, pid, process_started) VALUES ('r', 'backup', 0, 'running', 'h', 1, '');
      INSERT INTO run_sources (run, source, kind, repository, state, duration_ms) VALUES ('r', 's', 'files', 'o', 'ok', 1)`);
  }
  using catalog = openCatalog(path, { warn: assert.fail });
  assert.equal(catalog.run('r').sources[0]?.source, 's');
  catalog.recordSource('r', storedSource);
  assert.equal(catalog.run('r').sources.length, 2);
});
