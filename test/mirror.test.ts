// Mirrors from end to end: what a database lists, over SFTP. `npm run soak` does the first with 20,000 files.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipWithout } from './servers/programs.ts';
import { skipWithoutSshd } from './servers/sshd.ts';
import { type MirrorPlace, mirrorStory, openMirrorPlace } from './tools/mirror-place.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('mirrors', { skip: skipWithout('postgresql') ?? skipWithoutSshd() ?? false }, () => {
  const folder = temporaryFolder('mirror');
  let place: MirrorPlace;
  before(async () => {
    place = await openMirrorPlace(folder, 500, 'mirror');
  });
  after(async () => await place?.[Symbol.asyncDispose]());

  test('with errors, wrong checksums and a kill in the middle every status is right, and --rerun repairs all', async () => {
    await mirrorStory(place);
    const table = 'select status, count(*) from datafilestatus group by status';
    assert.equal(await place.postgres.psql('backupdb', table), 'OK|500');
  });

  test('a run copies what is new, and passes over the rest', async () => {
    await place.postgres.psql('dataverse', "insert into listed select 'new', 0, null, null, now()");
    writeFileSync(place.source('new'), '');
    const [copied, failed] = await place.counts('mirror copies', 0);
    assert.deepEqual([copied, failed], [1, 0]);
    assert.ok((await place.statuses()).OK.includes('new'));
  });

  test('a path that leads elsewhere fails alone, and is forgotten when it is listed no longer', async () => {
    await place.postgres.psql('dataverse', "insert into listed values ('../escape', 1, null, null, now())");
    assert.match((await place.run('mirror copies')).stderr, /\.\.\/escape/);
    assert.deepEqual((await place.statuses()).FAIL_READ, ['../escape']);
    const { status, stderr } = await place.run('mirror --verify copies');
    assert.equal(status, 3, 'copies that are well do not make it well');
    assert.match(stderr, /1 not OK since earlier runs/);
    assert.equal(existsSync(join(place.ssh.folder, 'escape')), false);
    await place.postgres.psql('dataverse', "delete from listed where path = '../escape'");
    await place.counts('mirror --rerun copies', 0);
    assert.deepEqual((await place.statuses()).FAIL_READ, []);
  });

  test('--verify finds copies that were changed, cut short, made longer or removed, and --rerun mends them', async () => {
    const { files, copy, counts, statuses } = place;
    const [changed = '', short = '', longer = '', gone = ''] = files.good.filter(
      (path) => files.content(path).length > 1000,
    );
    const put = (path: string, bytes: Uint8Array): void => {
      chmodSync(copy(path), 0o600);
      writeFileSync(copy(path), bytes);
    };
    put(changed, Buffer.from(files.content(changed)).fill(9, 5, 6));
    put(short, files.content(short).subarray(1));
    put(longer, Buffer.concat([files.content(longer), Buffer.from('!')]));
    rmSync(copy(gone));
    assert.deepEqual(await counts('mirror --verify copies', 4), [files.count - 3, 4, 0]);
    assert.deepEqual((await statuses()).FAIL_WRITE, [changed, short, longer, gone].toSorted());
    assert.deepEqual(await counts('mirror --rerun copies', 0), [4, 0, files.count - 3]);
    assert.deepEqual((await statuses()).FAIL_WRITE, []);
  });
});
