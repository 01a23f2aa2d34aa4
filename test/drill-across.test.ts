// Queries across a restore point: whose table is meant, and what is said when the repository changes meanwhile.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { repositoryNamed } from '../src/config/config.ts';
import { askAcross } from '../src/jobs/drill/across.ts';
import { originOf } from '../src/jobs/snapshot-choice.ts';
import { rememberingContext } from '../src/jobs/testing.ts';
import { withRepository } from '../src/jobs/use-repository.ts';
import { execute } from '../src/sources/sqlite/testing.ts';
import { drillSite } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

interface Stored {
  done(...words: string[]): Promise<void>;
  /** Of the newest snapshot of each source that there is now; each is asked these. */
  asking(...sql: string[]): Promise<() => ReturnType<typeof askAcross>>;
}

const stored = async (folder: string, sources: Readonly<Record<string, string>>): Promise<Stored> => {
  const jobs = { nightly: { backup: Object.keys(sources), to: ['here'] } };
  const each = Object.entries(sources).map(([name, path]) => [
    name,
    { kind: path.endsWith('.db') ? 'sqlite' : 'files', path: `${folder}/${path}` },
  ]);
  const site = await drillSite(
    folder,
    `sources: ${JSON.stringify(Object.fromEntries(each))}\njobs: ${JSON.stringify(jobs)}`,
  );
  const repository = repositoryNamed(await site.config(), 'here');
  const context = rememberingContext();
  return {
    async done(...words) {
      const { status, stderr } = await site.run(...words);
      assert.equal(status, 0, stderr);
    },
    async asking(...sql) {
      const all = await withRepository(repository, { lock: 'shared' }, context, (one) => one.snapshots());
      const snapshots = new Map(all.map((one) => [originOf(one), one]));
      const queries = sql.map((query) => ({ query, expect: 1 }));
      const point = { run: 'one', time: new Date(), snapshots };
      return () => askAcross(point, { queries, repository, job: 'nightly' }, context);
    },
  };
};

test('a restore point that is removed before all was asked does not differ: nobody knows', async () => {
  const folder = temporaryFolder('drill-across');
  const { done, asking } = await stored(folder, { media: 'media' });
  mkdirSync(`${folder}/media`);
  writeFileSync(`${folder}/media/a`, 'a');
  await done('backup');
  const ask = await asking("select count(*) from media.files where path like '%/a'");
  assert.equal((await ask()).queries[0]?.passed, true);
  writeFileSync(`${folder}/media/a`, 'another');
  await done('backup');
  await done('forget', '--keep-last', '1', '--prune');
  const { queries, error } = await ask();
  assert.deepEqual(queries, []);
  assert.equal(error?.code, 'SNAPSHOT_UNKNOWN');
});

test('a table that can be of two sources is that of neither', async () => {
  const folder = temporaryFolder('drill-across');
  const { done, asking } = await stored(folder, { s: 's.db', 's.w': 'w.db' });
  execute(`${folder}/s.db`, 'create table "w.goods" (id); create table "w.own" as select 1 as id');
  execute(`${folder}/w.db`, 'create table goods as select 1 as id; create table old as select 1 as id');
  await done('backup');
  const ask = await asking(
    'select id from s."w.own"',
    'select id from "s.w".old',
    'select id from s."w.goods"',
    'select id from "s.w".goods',
    'select id from s."w.none"',
  );
  const found = (await ask()).queries.map((query) => query.found);
  assert.deepEqual(found.slice(0, 2), ['1', '1']);
  for (const text of found.slice(2, 4))
    assert.match(text, /"s.w.goods" can be "goods" of s.w or "w.goods" of s$/);
  assert.match(found[4] ?? '', /s.w: the snapshot has no table "none"/);
});
