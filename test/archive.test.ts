// Archives by the command line: made, kept and brought back with the tools that everybody has.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, suite, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { skipWithout } from './servers/programs.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('archives', () => {
  const folder = temporaryFolder('archive');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const clock = standingClock('2026-11-21T03:30:00');
  const run = (...words: string[]): Promise<Outcome> =>
    holdfast([...words, '--config', at('holdfast.yaml')], {
      clock,
      env: { HOLDFAST_CATALOG: at('catalog.db') },
    });
  const done = async (...words: string[]): Promise<Outcome> => {
    const outcome = await run(...words);
    assert.equal(outcome.status, 0, outcome.stderr);
    return outcome;
  };
  const shell = (script: string): string =>
    execFileSync('bash', ['-ec', script], { cwd: folder, encoding: 'utf8' });
  const longName = `${'deep-'.repeat(30)}/${'name-'.repeat(30)}.txt`;

  before(async () => {
    mkdirSync(at('media', longName.split('/')[0] ?? ''), { recursive: true });
    writeFileSync(at('media/menu.txt'), 'soup');
    writeFileSync(at('media', longName), 'long');
    writeFileSync(at('media/large.bin'), Buffer.alloc(3_000_000, 'kelp'));
    symlinkSync('menu.txt', at('media/today'));
    chmodSync(at('media/menu.txt'), 0o640);
    using db = new DatabaseSync(at('hospital.db'));
    db.exec(`CREATE TABLE patients (id INTEGER PRIMARY KEY, name TEXT);
      INSERT INTO patients VALUES (1, 'Ada'), (2, char(10) || '-- Holdfast plain dump 1'), (3, NULL);
      CREATE INDEX by_name ON patients (name);`);
    const identity = await generateX25519Identity();
    writeFileSync(at('key.txt'), `# a key\n${identity}\n`);
    writeFileSync(
      at('holdfast.yaml'),
      `
sources:
  hospital: { kind: sqlite, path: ${at('hospital.db')} }
  media: { kind: files, path: ${at('media')} }
jobs:
  records:
    archive: [hospital]
    to: [${at('records')}, ${at('copies')}]
    name: "{source}_{yyyy}{mm}{dd}.sql.gz"
    keep: { daily: 7, weekly: 4, monthly: 12 }
  all: { archive: [hospital, media], to: [${at('all')}], name: "{yyyy}{mm}{dd}{HH}{MM}{SS}.tgz" }
  usual: { archive: [hospital, media], to: [${at('usual')}] }
  sealed: { archive: [media], to: [${at('sealed')}], name: "media.tar.zst", encryptTo: [${await identityToRecipient(identity)}] }
`,
    );
    chmodSync(at('holdfast.yaml'), 0o600);
  });

  test('a dump has the name that was asked for, and a checksum beside it', async () => {
    await done('run', 'records');
    assert.deepEqual(readdirSync(at('records')), [
      'hospital_20261121.sql.gz',
      'hospital_20261121.sql.gz.owner',
      'hospital_20261121.sql.gz.sha256',
    ]);
    assert.deepEqual(readdirSync(at('copies')), readdirSync(at('records')));
    shell('cd records && sha256sum -c *.sha256');
  });

  test('gzip and sqlite3 alone bring it back', { skip: skipWithout('sqlite') }, () => {
    shell('gzip -dc records/hospital_20261121.sql.gz | sqlite3 -bail plain.db');
    assert.equal(
      shell(`sqlite3 plain.db 'select quote(name) from patients'`),
      shell(`sqlite3 hospital.db 'select quote(name) from patients'`),
    );
  });

  test('Holdfast restores it, the newest of the job or the one that is named', async () => {
    await done('restore', '--archive', 'records', '--to', at('back.db'));
    await done(
      'restore',
      '--archive',
      at('records/hospital_20261121.sql.gz'),
      '--to',
      `sqlite:${at('again.db')}`,
    );
    for (const name of ['back.db', 'again.db']) {
      using db = new DatabaseSync(at(name));
      assert.deepEqual(db.prepare('SELECT count(*) AS n FROM patients').get()?.n, 3);
    }
  });

  const placesYaml = (name: string, ...stores: string[]): string => {
    writeFileSync(
      at(name),
      `
sources: { hospital: { kind: sqlite, path: ${at('hospital.db')} } }
jobs: { moved: { archive: [hospital], to: [${stores.map((store) => at(store)).join()}], name: "{host}_{yyyy}{mm}{dd}.sql.gz" } }
`,
    );
    return at(name);
  };
  const fromPlaces = (config: string, what: string, to: string): Promise<Outcome> =>
    holdfast(['restore', '--archive', what, '--to', at(to), '--config', config], {
      env: { HOLDFAST_CATALOG: at('catalog.db') },
    });
  const asOf = (host: string, day: string, store: string): string =>
    shell(`mkdir -p ${store} && cp records/hospital_20261121.sql.gz ${store}/${host}_${day}.sql.gz
      (cd ${store} && sha256sum ${host}_${day}.sql.gz > ${host}_${day}.sql.gz.sha256)`);

  test('the newest of the job is the newest in all of its stores, and one that cannot be read is passed over', async () => {
    asOf('lost', '20261119', 'first');
    asOf('lost', '20261120', 'second');
    shell('ln -s third third'); // what cannot be listed, even by root
    const newest = await fromPlaces(
      placesYaml('moved.yaml', 'first', 'second', 'third'),
      'moved',
      'moved.db',
    );
    assert.equal(newest.status, 0, newest.stderr);
    assert.match(newest.stdout, /lost_20261120\.sql\.gz: restoring/);
    assert.match(newest.stderr, /passed over: .*third.*a newer archive may lie there/s);
  });

  test('an archive is found on another machine than the one that made it, or named with those there are', async () => {
    asOf('lost', '20261120', 'second');
    const config = placesYaml('host.yaml', 'second');
    const found = await fromPlaces(config, 'moved:lost_20261120.sql.gz', 'host.db');
    assert.equal(found.status, 0, found.stderr);
    const other = await fromPlaces(config, 'moved:lost_20261118.sql.gz', 'other.db');
    assert.match(other.stderr, /has no archive lost_20261118.*the newest it has: lost_20261120\.sql\.gz/s);
    const typed = await fromPlaces(config, 'mvoed', 'other.db');
    assert.match(typed.stderr, /"mvoed" is neither an archive job.*archive jobs of .*: moved/s);
    const source = await run('restore', '--archive', 'records', '--source', 'media', '--to', at('other.db'));
    assert.match(source.stderr, /records archives no source "media".*it archives hospital/s);
  });

  test('the summary of --json tells the state, and each job once', async () => {
    const { stdout } = await done('run', 'records', '--json');
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      readonly runs: readonly object[];
    };
    assert.deepEqual(Object.keys(summary), ['message_type', 'state', 'status', 'runs']);
    assert.deepEqual(Object.keys(summary.runs[0] ?? {}), [
      'name',
      'run',
      'state',
      'status',
      'files',
      'sources',
    ]);
  });

  test('sources share a tar whose name tells none of them apart, and tar alone unpacks it', async () => {
    await done('run', 'all');
    mkdirSync(at('out'));
    shell('tar -xzf all/20261121033000.tgz -C out && diff -r --no-dereference media out/media');
    assert.equal(shell('stat -c %a out/media/menu.txt'), '640\n');
    shell(
      'cat out/hospital/create.sql out/hospital/data/*/*.sql out/hospital/finish.sql | sqlite3 -bail from-tar.db',
    );
  });

  test('a folder of a shared tar is restored into a folder, links and long names included', async () => {
    const outcome = await done(
      'restore',
      '--archive',
      at('all/20261121033000.tgz'),
      '--source',
      'media',
      '--to',
      at('folder'),
    );
    shell('diff -r --no-dereference media folder');
    assert.match(outcome.stderr, /hospital is in the archive too/);
    await done('restore', '--archive', 'all', '--source', 'hospital', '--to', `sqlite:${at('shared.db')}`);
  });

  test('without an ending in the template each source gets the file that fits it', async () => {
    await done('run', 'usual');
    assert.deepEqual(
      readdirSync(at('usual')).filter((name) => name.endsWith('.gz')),
      ['hospital_20261121_033000.sql.gz', 'media_20261121_033000.tar.gz'],
    );
  });

  test('an encrypted archive opens with the secret key only', async () => {
    await done('run', 'sealed');
    const [file] = readdirSync(at('sealed'));
    assert.equal(file, 'media.tar.zst.age');
    const locked = await run('restore', '--archive', 'sealed:media.tar.zst.age', '--to', at('sealed-out'));
    assert.equal(locked.status, 2);
    assert.match(locked.stderr, /--identity/);
    writeFileSync(at('other.txt'), await generateX25519Identity());
    const stranger = await run(
      'restore',
      '--archive',
      at('sealed', file),
      '--identity',
      at('other.txt'),
      '--to',
      at('sealed-out'),
    );
    assert.equal(stranger.status, 12, stranger.stderr);
    await done(
      'restore',
      '--archive',
      at('sealed', file),
      '--identity',
      at('key.txt'),
      '--to',
      at('sealed-back'),
    );
    shell('diff -r --no-dereference media sealed-back');
  });

  test('what chooses from a snapshot is refused with an archive, and a key for an archive without one', async () => {
    const words = ['--archive', 'sealed', '--to', at('refused')];
    for (const chosen of [
      '--query={}',
      '--job=nightly',
      '--host=web-1',
      '--no-lock',
      '--row=id=1',
      '--dry-run',
    ]) {
      const { status, stderr } = await run('restore', ...words, chosen);
      assert.deepEqual([status, /restored as a whole/.test(stderr)], [2, true], chosen);
    }
    const { status, stderr } = await run(
      'restore',
      'latest',
      '--to',
      at('refused'),
      '--identity',
      at('key.txt'),
    );
    assert.deepEqual([status, /--identity is for an encrypted archive/.test(stderr)], [2, true]);
    assert.equal(existsSync(at('refused')), false);
  });

  test('an option that an archive has no use for is refused', async () => {
    const words = ['--archive', at('records/hospital_20261121.sql.gz'), '--to', at('refused.db')];
    const idle: readonly (readonly [words: readonly string[], message: RegExp])[] = [
      [['--source', 'media'], /is the dump of one database: it has no sources to choose from/],
      [['--identity', at('key.txt')], /--identity is for an encrypted archive, and this one is none/],
      [['-r', at('nowhere')], /-r means nothing for an archive/],
      [['--password-file', at('key.txt')], /--password-file means nothing for an archive/],
    ];
    for (const [option, message] of idle) {
      const { status, stderr } = await run('restore', ...words, ...option);
      assert.deepEqual([status, message.test(stderr)], [2, true], stderr);
    }
    assert.equal(existsSync(at('refused.db')), false);
  });

  test('what cannot be read is named, and leaves nothing that looks like a backup', async () => {
    writeFileSync(
      at('broken.yaml'),
      `
sources: { gone: { kind: sqlite, path: ${at('gone.db')} }, damaged: { kind: sqlite, path: ${at('damaged.db')} } }
jobs: { gone: { archive: [gone, damaged], to: [${at('broken')}], name: "{source}.sql.gz" } }
`,
    );
    shell('cp hospital.db damaged.db');
    truncateSync(at('damaged.db'), 6000);
    const outcome = await holdfast(['run', 'gone', '--config', at('broken.yaml')], {
      clock,
      env: { HOLDFAST_CATALOG: at('catalog.db') },
    });
    assert.equal(outcome.status, 13, outcome.stderr);
    assert.deepEqual(existsSync(at('broken')) ? readdirSync(at('broken')) : [], []);
  });

  test('an archive that was damaged or cut short is not restored', async () => {
    shell('mkdir cut && head -c 300 records/hospital_20261121.sql.gz > cut/a.sql.gz');
    const cut = await run('restore', '--archive', at('cut/a.sql.gz'), '--to', `sqlite:${at('cut.db')}`);
    assert.notEqual(cut.status, 0);
    shell(
      'cp records/* cut && chmod 600 cut/* && gzip -dc cut/hospital_20261121.sql.gz | sed s/Ada/Eve/ | gzip > x && mv x cut/hospital_20261121.sql.gz',
    );
    const changed = await run(
      'restore',
      '--archive',
      at('cut/hospital_20261121.sql.gz'),
      '--to',
      `sqlite:${at('cut.db')}`,
    );
    assert.match(changed.stderr, /checksum/);
    assert.equal(existsSync(at('cut.db')), false);
  });

  test('of a year of days, seven days, four weeks and twelve months are kept, and nobody else’s files touched', async () => {
    const owner = readFileSync(at('records/hospital_20261121.sql.gz.owner'), 'utf8');
    writeFileSync(at('records/hospital_20251121.sql.gz'), 'somebody else’s');
    writeFileSync(at('records/hospital_20261121.sql.gz.old'), 'somebody else’s');
    for (let day = 1; day <= 400; day += 1) {
      clock.advance(86_400_000);
      if (day < 390)
        for (const ending of ['', '.sha256', '.owner'] as const) copyAs(clock.now(), ending, owner);
      else await done('run', 'records');
    }
    const kept = readdirSync(at('records')).filter((name) => name.endsWith('.sql.gz'));
    assert.ok(kept.includes('hospital_20251121.sql.gz'));
    assert.equal(readFileSync(at('records/hospital_20261121.sql.gz.old'), 'utf8'), 'somebody else’s');
    const days = kept.map((name) => name.slice(9, 17)).filter((day) => day !== '20251121');
    const newest = days.slice(-7);
    assert.deepEqual(newest, [
      '20271220',
      '20271221',
      '20271222',
      '20271223',
      '20271224',
      '20271225',
      '20271226',
    ]);
    assert.deepEqual(days.slice(-9, -7), ['20271212', '20271219']);
    const months = new Set(days.map((day) => day.slice(0, 6)));
    assert.equal(months.size, 12);
    assert.ok(days.length >= 7 + 3 + 10 && days.length <= 7 + 4 + 12, days.join());
  });

  const copyAs = (time: Date, ending: '' | '.sha256' | '.owner', owner: string): void => {
    const pad = (n: number): string => String(n).padStart(2, '0');
    const day = `${time.getFullYear()}${pad(time.getMonth() + 1)}${pad(time.getDate())}`;
    const name = `hospital_${day}.sql.gz`;
    const content = {
      '': 'x',
      '.sha256': `${'0'.repeat(64)}  ${name}\n`,
      '.owner': owner,
    }[ending];
    writeFileSync(at('records', name + ending), content);
  };
});
