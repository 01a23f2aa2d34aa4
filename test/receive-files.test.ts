// A folder and a SQLite database kept fresh from snapshots, while somebody reads them.
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type DrillSite, drillSite } from './tools/drill.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('receivers of files and SQLite', () => {
  const folder = temporaryFolder('receive-files');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let site: DrillSite;
  before(async () => {
    site = await drillSite(
      folder,
      `
sources:
  media: { kind: files, path: ${at('media')} }
  copy: { kind: files, path: ${at('copy')} }
  shop: { kind: sqlite, path: ${at('shop.db')} }
  shop2: { kind: sqlite, path: ${at('shop2.db')} }
  mine: { kind: files, path: ${at('mine')} }
jobs:
  nightly: { backup: [media, shop], to: [here] }
  follow:
    receive: [{ source: media, into: copy }, { source: shop, into: shop2 }]
    from: here
    minFree: [{ folder: ${folder}, free: 1K }]
  full:
    receive: [{ source: media, into: copy }]
    from: here
    minFree: [{ folder: ${folder}, free: 900T }]
  late:
    receive: [{ source: media, into: copy }]
    from: here
    maxLag: 1s
    hooks: { on: { partial: "echo partial: $HOLDFAST_ERROR", failure: "echo failure: $HOLDFAST_ERROR" } }
  wrong: { receive: [{ source: media, into: mine }], from: here }
`,
    );
    const own = `own: { store: ${at('own')}, password: { file: ${at('password')} } }`;
    const text = readFileSync(at('holdfast.yaml'), 'utf8').replace('{ here', `{ ${own}, here`);
    writeFileSync(
      at('holdfast.yaml'),
      `${text}
  kept:
    receive: [{ source: media, into: copy }]
    from: here
    fetchInto: { repository: own, keep: { last: 1 } }
`,
    );
  });

  const change = (number: number): void => {
    rmSync(at('media'), { recursive: true, force: true });
    mkdirSync(at('media', 'sub'), { recursive: true });
    for (const name of ['a', 'sub/b']) writeFileSync(at('media', name), `version ${number}`);
    writeFileSync(at('media', `only-${number}`), '');
    using db = new DatabaseSync(at('shop.db'));
    db.exec(`drop table if exists t; create table t (id integer primary key, version int);
      with recursive n (i) as (select 1 union all select i + 1 from n where i < 500) insert into t select i, ${number} from n`);
  };
  const run = async (...words: string[]) => {
    const outcome = await site.run(...words);
    assert.equal(outcome.status, 0, outcome.stderr + outcome.stdout);
    return outcome;
  };
  const versionsIn = (path: string): string[] =>
    readdirSync(path, { recursive: true, encoding: 'utf8' }).toSorted();

  test('a folder becomes that of the snapshot in one step, and so does a database that a reader has open', async () => {
    change(1);
    await run('backup', 'nightly');
    await run('run', 'follow');
    assert.deepEqual(versionsIn(at('copy')), ['a', 'only-1', 'sub', 'sub/b']);
    using reader = new DatabaseSync(at('shop2.db'), { timeout: 5000 });
    const seen = new Set<string>();
    const look = (): void => {
      const row = reader
        .prepare('select count(*) as rows, min(version) as low, max(version) as high from t')
        .get();
      seen.add(`${row?.rows} ${row?.low} ${row?.high}`);
      // Two looks at paths are of one folder only where it was not exchanged between them.
      const { ino } = statSync(at('copy'));
      const files = [readFileSync(at('copy', 'a'), 'utf8'), existsSync(at('copy', 'only-1'))].join(' ');
      if (statSync(at('copy')).ino === ino) seen.add(files);
    };
    look();
    change(2);
    await run('backup', 'nightly');
    const timer = setInterval(look, 1);
    try {
      await run('run', 'follow');
    } finally {
      clearInterval(timer);
    }
    look();
    assert.deepEqual([...seen].toSorted(), ['500 1 1', '500 2 2', 'version 1 true', 'version 2 false']);
    assert.match((await run('run', 'follow')).stdout, /copy: nothing new.*\n(.*\n)*shop2: nothing new/);
  });

  test('what was received can be read by others, though the daemon keeps to itself what it writes', async () => {
    for (const name of ['copy', '.copy.received']) rmSync(at(name), { recursive: true, force: true });
    const umask = process.umask(0o077);
    try {
      await run('run', 'follow');
    } finally {
      process.umask(umask);
    }
    for (const name of ['.copy.received', 'copy/.'])
      assert.equal(statSync(at(name)).mode & 0o055, 0o055, name);
  });

  test('nothing is loaded that would take the last room', async () => {
    change(3);
    await run('backup', 'nightly');
    const { status, stderr } = await site.run('run', 'full');
    assert.equal(status, 1);
    assert.match(stderr, /must stay free.*\n(?:hint: .*\n)?full: 1 of 1 receiver failed \(run /);
    assert.equal(readFileSync(at('copy', 'a'), 'utf8'), 'version 2');
  });

  test('one that is too far behind has not failed when it took in what there was', async () => {
    await run('backup', 'nightly');
    await setTimeout(1100);
    const late = await site.run('run', 'late');
    assert.equal(late.status, 3);
    assert.match(late.stderr, /copy: snapshot [0-9a-f]{8} loaded, but copy is \d+ s behind, and may be 1 s/);
    assert.match(late.stderr, /late: 1 of 1 receiver too far behind \(run /);
    assert.match(late.stdout, /partial: partial: copy is/);
    assert.doesNotMatch(late.stdout, /failure/);
    const stale = await site.run('run', 'late');
    assert.equal(stale.status, 1);
    assert.match(stale.stdout, /failure: failure: copy is/);
  });

  test('how old a receiver is, and since when and why it fails, is in the status and for monitors', async () => {
    const status = async (...words: string[]): Promise<string> =>
      (await site.run('status', '--offline', ...words)).stdout;
    assert.match(await status(), /copy +media +NOTHING RECEIVED YET +fails since .*: .* must stay free/);
    const metrics = (await run('metrics')).stdout;
    const sampleOf = (name: string, job: string): string | undefined =>
      metrics.match(
        new RegExp(`^holdfast_receiver_${name}{job="${job}",source="media",receiver="copy"(.*)$`, 'm'),
      )?.[1];
    assert.equal(sampleOf('well', 'follow'), '} 1');
    assert.equal(sampleOf('well', 'wrong'), undefined, 'of another receiver');
    const taken = Number(sampleOf('taken_seconds', 'follow')?.slice(2));
    assert.ok(Math.abs(Date.now() / 1000 - taken) < 60, metrics);
    assert.match(sampleOf('failing_since_seconds', 'full') ?? '', /^,code="TARGET_FAILED"} \d+/);
    assert.equal(sampleOf('failing_since_seconds', 'follow'), undefined);
    renameSync(at('repository'), at('elsewhere'));
    assert.equal((await site.run('run', 'follow')).status, 10);
    assert.match(await status(), /shop2 +shop +\d+ s behind +fails since .*: there is no repository/);
    assert.match(await status('--nagios'), /CRITICAL.*shop2 is \d+ s behind: there is no repository/);
    renameSync(at('elsewhere'), at('repository'));
    await run('run', 'follow');
    assert.match(await status(), /shop2 +shop +\d+ s behind *\n/);
  });

  test('what was fetched is kept by rules of its own', async () => {
    await run('init', 'own');
    await run('run', 'kept');
    change(4);
    await run('backup', 'nightly');
    await run('run', 'kept');
    assert.equal(readFileSync(at('copy', 'a'), 'utf8'), 'version 4');
    const { stdout } = await run('-r', 'own', 'snapshots', '--json');
    assert.equal(stdout.split('\n').filter((line) => line.includes('"snapshot"')).length, 1, stdout);
  });

  test('a version that was removed, or of which nothing tells what it is, is loaded anew', async () => {
    const spoil = [
      (version: string) => rmSync(version, { recursive: true }),
      (version: string) => rmSync(`${version}.json`),
      (version: string) => writeFileSync(`${version}.json`, '{"snap'),
    ];
    for (const damage of spoil) {
      damage(realpathSync(at('copy')));
      assert.match((await site.run('run', 'follow')).stdout, /copy: snapshot [0-9a-f]{8} loaded/);
      assert.equal(readFileSync(at('copy', 'a'), 'utf8'), 'version 4');
      assert.match((await run('run', 'follow')).stdout, /copy: nothing new/);
    }
  });

  test('a folder that was not received is left alone', async () => {
    mkdirSync(at('mine'));
    writeFileSync(at('mine', 'file'), '');
    const { status } = await site.run('run', 'wrong');
    assert.equal(status, 15);
    assert.deepEqual(readdirSync(at('mine')), ['file']);
  });

  test('a sender of whom nothing is left in the repository is told of, and what was received stays', async () => {
    for (const name of readdirSync(at('repository', 'snapshots')))
      rmSync(at('repository', 'snapshots', name));
    const { status, stderr } = await site.run('run', 'follow');
    assert.equal(status, 1);
    assert.match(stderr, /^copy: there is no snapshot of media any more\nhint: .*another name/m);
    assert.equal(readFileSync(at('copy', 'a'), 'utf8'), 'version 4');
  });
});
