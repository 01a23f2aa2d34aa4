// Queries across a restore point whose repository changes meanwhile.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { repositoryNamed } from '../src/config/config.ts';
import { askAcross } from '../src/jobs/drill/across.ts';
import { rememberingContext } from '../src/jobs/testing.ts';
import { withRepository } from '../src/jobs/use-repository.ts';
import { drillSite } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

test('a restore point that is removed before all was asked does not differ: nobody knows', async () => {
  const folder = temporaryFolder('drill-across');
  const yaml = `
sources: { media: { kind: files, path: ${folder}/media } }
jobs: { nightly: { backup: [media], to: [here] } }
`;
  mkdirSync(`${folder}/media`);
  writeFileSync(`${folder}/media/a`, 'a');
  const site = await drillSite(folder, yaml);
  const repository = repositoryNamed(await site.config(), 'here');
  const context = rememberingContext();
  const done = async (...words: string[]): Promise<void> => {
    const { status, stderr } = await site.run(...words);
    assert.equal(status, 0, stderr);
  };
  await done('backup');
  const [old] = await withRepository(repository, { lock: 'shared' }, context, (one) => one.snapshots());
  assert.ok(old);
  const point = { run: 'one', time: old.time, snapshots: new Map([['media', old]]) };
  const queries = [{ query: 'select * from media.files' }];
  const ask = () => askAcross(point, { queries, repository, job: 'nightly' }, context);
  assert.deepEqual(
    (await ask()).queries.map(({ passed }) => passed),
    [true],
  );
  writeFileSync(`${folder}/media/a`, 'another');
  await done('backup');
  await done('forget', '--keep-last', '1', '--prune');
  const { queries: answers, error } = await ask();
  assert.deepEqual(answers, []);
  assert.equal(error?.code, 'SNAPSHOT_UNKNOWN');
});
