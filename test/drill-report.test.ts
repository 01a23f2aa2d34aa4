// holdfast report: all evidence of a period, in three formats, with nothing in it that could become markup.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openCatalog } from '../src/catalog/catalog.ts';
import type { DrillEnd } from '../src/catalog/drill.ts';
import { failed, storedSource, succeeded } from '../src/catalog/testing.ts';
import { holdfast } from '../src/cli/testing.ts';
import { systemClock } from '../src/lib/clock.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('holdfast report', () => {
  const path = join(temporaryFolder('report'), 'catalog.db');
  const clock = { ...systemClock, now: () => new Date('2026-11-21T12:00:00Z') };
  const report = (...words: string[]) =>
    holdfast(['report', ...words], { env: { HOLDFAST_CATALOG: path }, clock });
  const day = (n: number, hour = 3): Date => new Date(Date.UTC(2026, 10, n, hour));
  const passed: DrillEnd = {
    ...{
      state: 'passed',
      endedAt: day(20, 5),
      restoreMs: 62_000,
      entries: 9,
      bytes: 2 ** 30,
      tables: 3,
      rows: 1700,
      definitions: 12,
    },
    ...{
      differences: 0,
      firstDifferences: [],
      notes: [],
      queries: [{ query: 'select 1', expected: '1', found: '1', passed: true }],
    },
  };
  fill();

  function fill(): void {
    using catalog = openCatalog(path, { warn: assert.fail });
    for (const n of [1, 18, 19, 20]) {
      const run = catalog.beginRun({ job: 'nightly', verb: 'backup', startedAt: day(n) });
      if (n === 19) {
        catalog.recordItem(run, {
          source: 'shop',
          item: '<img src=x onerror=alert(1)>|`rm`\n# x',
          bytes: 0,
          error: { code: 'ITEM_UNREADABLE', message: 'gone "away" & more' },
        });
        catalog.recordSource(run, { ...storedSource, state: 'partial', bytes: 5, itemsFailed: 1 });
        catalog.endRun(run, failed(day(n, 4)));
      } else {
        catalog.recordSource(run, { ...storedSource, bytes: n * 2 ** 20 });
        catalog.endRun(run, succeeded(day(n, 4)));
      }
    }
    for (const [id, state] of [
      ['one', 'passed'],
      ['two', 'differs'],
    ] as const) {
      const run = catalog.beginRun({ job: 'prove', verb: 'drill', startedAt: day(20) });
      catalog.drills.begin({
        ...{
          id,
          run,
          source: 'shop',
          kind: 'postgres',
          repository: 'offsite',
          snapshot: 'ab'.repeat(32),
          snapshotTime: day(20),
        },
        ...{ startedAt: day(20, 5), scratch: `holdfast_drill_${id}`, location: 'db:5432', folder: '/tmp' },
      });
      catalog.drills.end(id, {
        ...passed,
        state,
        ...(state === 'differs' && { differences: 1, firstDifferences: ['table <b>orders</b>: 2 rows'] }),
      });
      catalog.endRun(run, succeeded(day(20, 6)));
    }
  }

  test('Markdown has the runs, sources, drills and failures of the period, and no others', async () => {
    const { status, stdout } = await report('--since', '7d');
    assert.equal(status, 0);
    assert.match(stdout, /\| nightly \| backup \| 3 \| 2 succeeded, 1 failed \|/);
    assert.match(
      stdout,
      /\| shop \| postgres \| offsite \| 2 of 3 \| .*\| 20.0 MiB \| 2026-11-20 05:00 UTC, restored in 1 min 02 s \|/,
    );
    assert.match(
      stdout,
      /\| passed \| 1 min 02 s \| 9 entries, 1.00 GiB, 3 tables, 1,700 rows, 12 definitions \| 1 of 1 \|/,
    );
    assert.match(stdout, /\| differs \|/);
    assert.doesNotMatch(stdout, /(?<!\\)<(img|b)/);
    assert.doesNotMatch(stdout, /^# x/m);
    assert.match((await report('--since', '30d')).stdout, /\| nightly \| backup \| 4 \|/);
    assert.match(
      (await report('--since', '2026-11-01', '--until', '2026-11-02')).stdout,
      /Nothing was restored for a trial/,
    );
  });

  test('the page needs nothing else, has charts, and takes no name for markup', async () => {
    const { stdout } = await report('--format', 'html');
    assert.match(stdout, /^<!doctype html>/);
    assert.doesNotMatch(stdout, /<script|<img|<link|<iframe|<[a-z]+[^>]*\s(on\w+|src|href)=|url\(/i);
    assert.match(stdout, /&lt;img src=x onerror=alert\(1\)&gt;/);
    assert.equal([...stdout.matchAll(/<svg /g)].length, 3);
    assert.match(stdout, /<td class="differs">differs<\/td>/);
    assert.match(stdout, /default-src 'none'/);
  });

  test('JSON has it all under the names of our other JSON', async () => {
    const found = JSON.parse((await report('--format', 'json')).stdout);
    assert.equal(found.message_type, 'report');
    assert.equal(found.sources[0].backups.length, 4);
    assert.equal(found.sources[0].longest_gap_ms, 17 * 86_400_000);
    assert.deepEqual(
      found.drills.map(({ state, restore_ms }: { state: string; restore_ms: number }) => [state, restore_ms]),
      [
        ['passed', 62_000],
        ['differs', 62_000],
      ],
    );
    assert.deepEqual(JSON.parse((await report('--json')).stdout), found);
  });

  test('a period or format that means nothing is refused', async () => {
    for (const words of [
      ['--since', 'yesterday'],
      ['--format', 'pdf'],
      ['--since', '1d', '--until', '2d'],
      ['--since', '2026-13-01'],
    ])
      assert.equal((await report(...words)).status, 2, words.join(' '));
  });
});
