// Exports by the command line: what is new becomes files, and what was taken away is purged.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { skipWithoutSmallDisk, smallDisk } from './tools/small-disk.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('exports', () => {
  const folder = temporaryFolder('export');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const clock = standingClock('2026-11-21T03:30:00Z');
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
  const execute = (sql: string): void => {
    using db = new DatabaseSync(at('plant.db'));
    db.exec(sql);
  };
  const configure = (job: string): void => {
    writeFileSync(
      at('holdfast.yaml'),
      `sources: { plant: { kind: sqlite, path: ${at('plant.db')} } }\njobs: { alarms: { export: [plant], to: ${at('out')}, ${job} } }\n`,
    );
    chmodSync(at('holdfast.yaml'), 0o600);
  };
  const files = (name = 'out'): string[] => (existsSync(at(name)) ? readdirSync(at(name)).toSorted() : []);
  const text = (name: string): string => readFileSync(at('out', name), 'utf8');

  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    execute(`CREATE TABLE alarms (SeqNo INTEGER PRIMARY KEY, Stamp DATETIME NOT NULL, Text TEXT, Value REAL);
      INSERT INTO alarms VALUES (1, '2026-11-21 01:00:00', 'door "A", open', 1.5), (2, '2026-11-21 01:00:00', NULL, 0.1),
        (3, '2026-11-21 01:00:00', '', 1e300);`);
  });

  test('CSV is as RFC 4180 has it, and tells no value from an empty text', async () => {
    configure('site: "69", tables: [{ table: alarms, key: SeqNo }]');
    await done('export');
    assert.deepEqual(files(), ['69_alarms_1_3.csv']);
    assert.equal(
      text('69_alarms_1_3.csv'),
      'SeqNo,Stamp,Text,Value\r\n1,2026-11-21 01:00:00,"door ""A"", open",1.5\r\n2,2026-11-21 01:00:00,,0.1\r\n3,2026-11-21 01:00:00,"",1e+300\r\n',
    );
  });

  test('the dialect can be another one, and names are cleaned as Medusa does', async () => {
    configure(
      'tables: [{ table: alarms, key: Stamp }], maxRows: 2, csv: { delimiter: ";", header: false, lineEnd: lf, nullText: "NULL" }',
    );
    await done('export');
    assert.deepEqual(files(), [
      'site_alarms_20261121_010000_20261121_010000.csv',
      'site_alarms_20261121_010000_20261121_010000_2.csv',
    ]);
    assert.match(
      text('site_alarms_20261121_010000_20261121_010000.csv'),
      /^1;.*\n2;2026-11-21 01:00:00;NULL;0.1\n$/s,
    );
  });

  test('JSON lines keep numbers as they are, and may be compressed', async () => {
    configure('format: jsonl, gzip: true, tables: [{ table: alarms, key: SeqNo }]');
    await done('run', 'alarms');
    const [file = ''] = files();
    assert.equal(file, 'site_alarms_1_3.jsonl.gz');
    const [first] = gunzipSync(readFileSync(at('out', file)))
      .toString()
      .split('\n');
    assert.equal(
      first,
      '{"SeqNo":1,"Stamp":"2026-11-21 01:00:00","Text":"door "A", open","Value":1.5}'.replaceAll(
        '"A"',
        '\\"A\\"',
      ),
    );
  });

  test('a further run exports what came since, rows with equal keys at the border included', async () => {
    configure('maxRows: 2, tables: [{ table: alarms, key: Stamp, overlap: 1h }]');
    await done('export');
    execute(`INSERT INTO alarms VALUES (4, '2026-11-21 01:00:00', 'same time', 4), (5, '2026-11-21 00:30:00', 'late', 5),
      (6, '2026-11-21 02:00:00', 'new', 6)`);
    await done('export');
    await done('export');
    const rows = files().flatMap((name) => text(name).trimEnd().split('\r\n').slice(1));
    assert.deepEqual(rows.map((row) => row.split(',')[0]).toSorted(), ['1', '2', '3', '4', '5', '6']);
  });

  test('with a timestamp, changed rows are exported again', async () => {
    configure('tables: [{ table: alarms, key: SeqNo, timestamp: Stamp }]');
    await done('export');
    execute(`UPDATE alarms SET Text = 'closed', Stamp = '2026-11-21 03:00:00' WHERE SeqNo = 1`);
    await done('export');
    assert.deepEqual(files(), ['site_alarms_1_1.csv', 'site_alarms_1_3.csv']);
    assert.match(text('site_alarms_1_1.csv'), /closed/);
  });

  test('the first export may begin with what comes later', async () => {
    configure('tables: [{ table: alarms, key: SeqNo, first: now }]');
    await done('export');
    assert.deepEqual(files(), []);
    execute(`INSERT INTO alarms VALUES (4, '2026-11-21 02:00:00', 'new', 4)`);
    await done('export');
    assert.deepEqual(files(), ['site_alarms_4_4.csv']);
  });

  test('a catalog that was damaged does not lead to a second export of everything', async () => {
    configure('tables: [{ table: alarms, key: SeqNo }]');
    await done('export');
    const whole = readFileSync(at('catalog.db'));
    writeFileSync(at('catalog.db'), whole.fill(7, 4096));
    for (const ending of ['-wal', '-shm']) rmSync(at(`catalog.db${ending}`), { force: true });
    for (const _ of ['the run that notices', 'the next']) {
      const refused = await run('export');
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /how far alarms has come was in the catalog that was damaged: .*damaged-/);
    }
    assert.deepEqual(files(), ['site_alarms_1_3.csv']);
    for (const name of files('.').filter((file) => file.includes('.damaged-'))) rmSync(at(name));
    await done('export');
    assert.deepEqual(files(), ['site_alarms_1_3.csv', 'site_alarms_1_3_2.csv']);
  });

  test('an empty table that begins with what comes later exports the first row that comes', async () => {
    execute('DELETE FROM alarms');
    configure('tables: [{ table: alarms, key: SeqNo, first: now }]');
    await done('export');
    execute(`INSERT INTO alarms VALUES (1, '2026-11-21 02:00:00', 'new', 4)`);
    await done('export');
    assert.deepEqual(files(), ['site_alarms_1_1.csv']);
  });

  test('rows without a key are told of, and a table that is not there does not stop the others', async () => {
    execute(`CREATE TABLE loose (n INTEGER, t TEXT); INSERT INTO loose VALUES (1, 'a'), (NULL, 'b')`);
    configure(
      'tables: [{ table: nothing, key: n }, { table: loose, key: n }, { table: alarms, key: SeqNo }]',
    );
    const outcome = await run('export');
    assert.equal(outcome.status, 3, outcome.stderr);
    assert.match(outcome.stderr, /there is no table nothing/);
    assert.match(outcome.stderr, /1 row of loose without any n cannot be put into a file/);
    assert.deepEqual(files(), ['site_alarms_1_3.csv', 'site_loose_1_1.csv']);
  });

  test('files that were written before the disk was full are counted', {
    skip: skipWithoutSmallDisk(),
  }, async () => {
    using _ = smallDisk(at('out'), 'size=64k');
    execute(`INSERT INTO alarms VALUES (4, '2026-11-21 02:00:00', '${'x'.repeat(100_000)}', 1)`);
    configure('maxRows: 1, tables: [{ table: alarms, key: SeqNo }]');
    const { status, stderr } = await run('export');
    assert.equal(status, 14, stderr);
    assert.match(stderr, /no space left[\s\S]*alarms: 3 rows in 3 files; failed/);
  });

  test('files that another program has are purged, and nothing else', async () => {
    configure(`maxRows: 1, tables: [{ table: alarms, key: SeqNo }], purge: { listedIn: ${at('cloud')} }`);
    await done('export');
    assert.match(
      (await done('purge', '--dry-run')).stderr,
      /nothing in .*cloud, so that no file counts as taken away/,
    );
    mkdirSync(at('cloud'));
    for (const n of [1, 2])
      writeFileSync(at('cloud', `site_alarms_${n}_${n}.csv`), text(`site_alarms_${n}_${n}.csv`));
    chmodSync(at('out/site_alarms_2_2.csv'), 0o600);
    writeFileSync(at('out/site_alarms_2_2.csv'), text('site_alarms_2_2.csv').replace('0.1', '0.2'));
    writeFileSync(at('out/notes.csv'), 'mine');
    writeFileSync(at('cloud/notes.csv'), 'mine');
    const dry = await done('purge', '--dry-run');
    assert.match(dry.stdout, /1 file would be removed, 2 kept/);
    await done('purge', 'alarms');
    assert.deepEqual(files(), ['notes.csv', 'site_alarms_2_2.csv', 'site_alarms_3_3.csv']);
    await done('export');
    assert.deepEqual(
      files(),
      ['notes.csv', 'site_alarms_2_2.csv', 'site_alarms_3_3.csv'],
      'and nothing comes again',
    );
  });

  test('files that were shipped are purged, and those only', async () => {
    configure(
      `tables: [{ table: alarms, key: SeqNo }], shipTo: ${at('far')}, purge: { shipped: true, olderThan: 2d }`,
    );
    await done('export');
    assert.deepEqual(files('far'), ['site_alarms_1_3.csv']);
    await done('purge');
    assert.deepEqual(files(), ['site_alarms_1_3.csv'], 'not old enough');
    clock.advance(3 * 86_400_000);
    await done('purge');
    assert.deepEqual(files(), []);
    assert.deepEqual(files('far'), ['site_alarms_1_3.csv']);
  });

  test('a file that was missing when somebody looked is shipped and purged when it is there again', async () => {
    const rules = `shipTo: ${at('far', 'box')}, purge: { shipped: true }`;
    configure(`tables: [{ table: alarms, key: SeqNo }], ${rules}`);
    writeFileSync(at('far'), 'in the way');
    assert.equal((await run('export')).status, 3);
    rmSync(at('far'));
    renameSync(at('out'), at('unmounted'));
    assert.match((await done('export')).stderr, /site_alarms_1_3.csv: it is not in .*, and was not shipped/);
    rmSync(at('out'), { recursive: true, force: true });
    renameSync(at('unmounted'), at('out'));
    assert.match((await done('export')).stdout, /1 file shipped/);
    renameSync(at('out'), at('unmounted'));
    assert.match((await done('purge')).stdout, /1 gone already/);
    renameSync(at('unmounted'), at('out'));
    assert.match((await done('purge')).stdout, /1 file removed/);
    assert.deepEqual([files(), files('far/box')], [[], ['site_alarms_1_3.csv']]);
  });

  /** A run that is broken off just before its file has its name. */
  const breakOff = async (): Promise<void> => {
    mkdirSync(at('out', 'site_alarms_1_3.csv'), { recursive: true });
    assert.equal((await run('export')).status, 14);
    rmSync(at('out', 'site_alarms_1_3.csv'), { recursive: true });
  };

  test('rows of a file that was not finished do not count where its disk is not mounted', async () => {
    configure('tables: [{ table: alarms, key: SeqNo }]');
    await breakOff();
    renameSync(at('out'), at('unmounted'));
    for (const isMade of [false, true]) {
      if (isMade) mkdirSync(at('out'));
      const { status, stderr } = await run('export');
      assert.equal(status, 14);
      assert.match(
        stderr,
        /not the folder in which site_alarms_1_3.csv was being written[\s\S]*mount the disk/,
      );
    }
    rmSync(at('out'), { recursive: true });
    renameSync(at('unmounted'), at('out'));
    await done('export');
    assert.deepEqual(files(), ['site_alarms_1_3.csv']);
  });

  test('rows of a file that was not finished come into the place that the job has now', async () => {
    configure('tables: [{ table: alarms, key: SeqNo }]');
    await breakOff();
    writeFileSync(
      at('holdfast.yaml'),
      readFileSync(at('holdfast.yaml'), 'utf8').replace(at('out'), at('new')),
    );
    assert.match((await done('export')).stderr, /site_alarms_1_3.csv: it was being written to .*out when/);
    assert.deepEqual(files('new'), ['site_alarms_1_3.csv']);
  });

  test('a row that is dated years ahead is exported once, and hides none that comes later', async () => {
    configure('tables: [{ table: alarms, key: SeqNo, timestamp: Stamp }]');
    execute("INSERT INTO alarms VALUES (4, '2099-01-01 00:00:00', 'a wrong clock', 1)");
    await done('export');
    execute("INSERT INTO alarms VALUES (5, '2026-11-21 02:00:00', 'a right one', 1)");
    await done('export');
    clock.advance(86_400_000);
    execute("INSERT INTO alarms VALUES (6, '2026-11-22 02:00:00', 'the next day', 1)");
    await done('export');
    assert.match((await done('export')).stdout, /0 rows in 0 files/);
    assert.deepEqual(files(), ['site_alarms_1_4.csv', 'site_alarms_5_5.csv', 'site_alarms_6_6.csv']);
    configure('tables: [{ table: alarms, key: SeqNo, timestamp: Stamp, first: now }]');
    rmSync(at('catalog.db'));
    assert.match((await run('export')).stderr, /a row whose Stamp is still to come/);
  });

  test('a table that was begun anew is told, since its rows lie before the position', async () => {
    configure('tables: [{ table: alarms, key: SeqNo, overlap: 2 }]');
    execute("INSERT INTO alarms VALUES (9000, '2026-11-21 02:00:00', 'newest', 1)");
    await done('export');
    assert.equal((await done('export')).stderr, '');
    execute("DELETE FROM alarms; INSERT INTO alarms VALUES (1, '2026-11-22 02:00:00', 'anew', 1)");
    assert.match(
      (await done('export')).stderr,
      /alarms: all rows lie before those that were exported, by SeqNo/,
    );
    execute('DELETE FROM alarms');
    assert.equal((await done('export')).stderr, '', 'an empty table tells nothing');
  });

  test('what lies in the outbox itself shows nothing, and is not shipped to itself', async () => {
    for (const rules of [
      `purge: { listedIn: ${at('out')} }`,
      `shipTo: ${at('link')}, purge: { shipped: true }`,
    ]) {
      rmSync(at('catalog.db'), { force: true });
      configure(`tables: [{ table: alarms, key: SeqNo }], ${rules}`);
      mkdirSync(at('out'), { recursive: true });
      if (!existsSync(at('link'))) symlinkSync(at('out'), at('link'));
      for (const verb of ['export', 'purge']) {
        const { status, stderr } = await run(verb);
        assert.equal(status, 2, rules);
        assert.match(stderr, /(another store|leave the folder).* is the same place/, rules);
      }
      assert.deepEqual(files(), []);
    }
  });

  test('a CSV without a delimiter that can be told is refused', async () => {
    for (const delimiter of ['"\\""', '"\\n"', '";;"']) {
      configure(`tables: [{ table: alarms, key: SeqNo }], csv: { delimiter: ${delimiter} }`);
      assert.match((await run('export')).stderr, /csv.delimiter: must be one character/);
    }
  });

  test('a file that was taken away and not copied is no obstacle', async () => {
    configure('tables: [{ table: alarms, key: SeqNo }], purge: { olderThan: 1s }');
    await done('export');
    renameSync(at('out/site_alarms_1_3.csv'), at('taken.csv'));
    clock.advance(5000);
    assert.match((await done('purge')).stdout, /1 gone already/);
  });

  test('ordering a table by another column than before is refused', async () => {
    configure('tables: [{ table: alarms, key: SeqNo }]');
    await done('export');
    configure('tables: [{ table: alarms, key: Stamp }]');
    const outcome = await run('export');
    assert.equal(outcome.status, 2, outcome.stderr);
    assert.match(outcome.stderr, /was exported by SeqNo/);
  });
});
