// Planted faults, one by one found by `holdfast doctor` with a hint; and gone from its findings when they are mended.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { holdfast } from '../src/cli/testing.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Repository } from '../src/repository/contract.ts';
import { openRepository } from '../src/repository/repository.ts';
import { openLocalStore } from '../src/stores/local/local.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { freePort } from './servers/process.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

interface Found {
  readonly level: string;
  readonly subject: string;
  readonly message: string;
  readonly hint?: string;
}

interface Fault {
  readonly what: string;
  readonly level: 'warning' | 'error';
  readonly subject: string;
  readonly message: RegExp;
  readonly hint: RegExp;
}

const fault = (
  what: string,
  level: Fault['level'],
  subject: string,
  message: RegExp,
  hint: RegExp,
): Fault => ({
  ...{ what, level, subject, message, hint },
});

const faults: readonly Fault[] = [
  fault(
    'a folder that is not there',
    'error',
    'source gone',
    /cannot be read: .*ENOENT|no such file/i,
    /check the path/,
  ),
  fault('a folder that is empty', 'warning', 'source empty', /the folder is empty/, /mounted/),
  fault('a file that is no database', 'error', 'source nodb', /is not a SQLite database/, /./),
  fault('a damaged database', 'error', 'source damaged', /it is damaged|malformed/, /recover|restore/),
  fault(
    'a pattern that fits no table',
    'error',
    'source pattern',
    /no table or view has such a name/,
    /correct the pattern/,
  ),
  fault('writers that a backup would block', 'warning', 'source slow', /journal mode is delete/, /WAL/),
  fault('a server that is not there', 'error', 'source down', /ECONNREFUSED|refused/, /./),
  fault('a wrong password of a server', 'error', 'source stranger', /password authentication failed/, /./),
  fault('a database that is not there', 'error', 'source nodatabase', /does not exist|no database/, /./),
  fault(
    'a table that may not be read',
    'error',
    'source unreadable',
    /table public.secrets in shop: may not be read/,
    /grant select/,
  ),
  fault('a missing pg_dump', 'error', 'source nodump', /pg_dump/, /./),
  fault(
    'a role that may not make a scratch database',
    'error',
    'drill in unreadable',
    /may not create databases/,
    /createdb/,
  ),
  fault(
    'a repository that was never made',
    'error',
    'repository unmade',
    /no repository|is no repository/i,
    /holdfast init -r unmade/,
  ),
  fault(
    'a wrong password of a repository',
    'error',
    'repository wrong',
    /password/,
    /correct what `password` names/,
  ),
  fault('a missing password file', 'error', 'repository nokey', /nokey/, /./),
  fault('a password that others can read', 'warning', 'configuration', /open-key/, /chmod 600/),
  fault(
    'a store that is no folder',
    'error',
    'repository blocked',
    /blocked.*(ENOTDIR|not a directory|file)/i,
    /./,
  ),
  fault('a copying server that is not there', 'error', 'source copy', /ECONNREFUSED|refused/, /./),
  fault('a server to replicate that is not there', 'error', 'source couch', /ECONNREFUSED|refused/, /./),
  fault('a receiver that is not there', 'error', 'source received', /ECONNREFUSED|refused/, /./),
  fault('a list of files that is refused', 'error', 'query to listing', /no_such_table/, /psql/),
  fault(
    'a table of statuses in a database that is not there',
    'error',
    'query to statuses',
    /does not exist/,
    /./,
  ),
  fault('an empty folder to mirror', 'warning', 'store of copies', /empty has no files/, /mounted/),
  fault(
    'files that are said to be taken away to where nothing is',
    'warning',
    'store of rows',
    /nowhere has no files/,
    /mounted/,
  ),
  fault(
    'a table to export that is not there',
    'error',
    'job gathered',
    /shop: .*no table dates; did you mean/,
    /./,
  ),
  fault(
    'a column to export by that is not there',
    'error',
    'job gathered',
    /has no column number/,
    /it has id/,
  ),
  fault(
    'an overlap that a column cannot have',
    'error',
    'job gathered',
    /dated is exported by id, a number/,
    /`overlap`/,
  ),
  fault('a table of a partial backup that is not there', 'error', 'job lately', /no table dates/, /./),
  fault('a table of a partial backup without a key', 'error', 'job lately', /no primary key/, /give it one/),
  fault('a column of changes that is no time', 'error', 'job lately', /dated.note is of type text/, /by/),
  fault(
    'a table of files that is not captured',
    'error',
    'job pictures',
    /no column path of a captured/,
    /./,
  ),
  fault(
    'a folder of files that is not there',
    'error',
    'job pictures',
    /folder .*no-pictures.* not there/,
    /./,
  ),
  fault('a place for archives that is no folder', 'error', 'store of plain', /blocked/, /./),
  fault('a store that cannot be reached', 'error', 'repository far', /./, /./),
  fault('an exclusive lock of somebody else', 'error', 'repository busy', /an exclusive lock of /, /unlock/),
  fault(
    'a lock whose holder is gone',
    'warning',
    'repository stale',
    /whose holder is gone/,
    /holdfast unlock/,
  ),
  fault(
    'a scratch folder that is not there',
    'error',
    'drill in slow',
    /nothing can be restored there/,
    /make the folder/,
  ),
  fault(
    'a drill of what was never backed up',
    'error',
    'job prove',
    /no snapshot of slow/,
    /back slow up first/,
  ),
  fault('a mail server that is not there', 'warning', 'notifier mail', /ECONNREFUSED/, /./),
  fault('a program that is not there', 'warning', 'notifier program', /there is no program/, /whole path/),
  fault(
    'a store in what it stores',
    'warning',
    'job inward',
    /media\/kept lies in media, so that each/,
    /exclude/,
  ),
  fault('a job nobody hears of', 'warning', 'job silent', /nobody is told/, /notify/),
  fault('a source in no job', 'warning', 'source forgotten', /no job backs it up/, /add it to a backup job/),
];

suite('holdfast doctor', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('doctor');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: PostgresServer;
  let busy: Repository;
  let found: readonly Found[];

  const doctor = async (
    words: readonly string[] = [],
    world = {},
  ): Promise<{ status: number; found: Found[]; stderr: string }> => {
    const { status, stdout, stderr } = await holdfast(['doctor', ...words, '--json'], {
      env: { HOLDFAST_CONFIG: at('holdfast.yaml') },
      ...world,
    });
    return {
      status,
      stderr,
      found: jsonLines(stdout).filter(
        ({ message_type }) => message_type === 'diagnosis',
      ) as unknown as Found[],
    };
  };
  const openHere = (name: string, lock: 'exclusive' | 'shared') =>
    openRepository(openLocalStore(at(name)), 'secret', { lock, signal: new AbortController().signal });

  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', "create role reader login password 'r'; create database shop");
    await server.psql(
      'shop',
      'create table secrets (id int); insert into secrets values (1); create table dated (id int primary key, at timestamptz, note text)',
    );
    plant(folder);
    writeFileSync(at('holdfast.yaml'), yamlOf(folder, server, await freePort()), { mode: 0o600 });
    for (const name of ['good', 'wrong', 'busy', 'stale']) await makeRepository(at(name));
    leaveStaleLock(at('stale'));
    busy = await openHere('busy', 'exclusive');
    const examined = await doctor();
    assert.equal(examined.status, 3, examined.stderr);
    found = examined.found;
  });
  after(async () => {
    await busy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const matches = ({ level, subject, message }: Fault, all: readonly Found[]): Found[] =>
    all.filter((one) => one.level === level && one.subject === subject && message.test(one.message));

  for (const planted of faults)
    test(`finds ${planted.what}`, () => {
      const [one] = matches(planted, found);
      assert.ok(
        one,
        JSON.stringify(
          found.filter(
            ({ level, subject }) =>
              level !== 'ok' && (subject === planted.subject || planted.subject === 'configuration'),
          ),
          undefined,
          1,
        ),
      );
      assert.match(one.hint ?? '', planted.hint);
    });

  test('a database that is still to be received need not be there', () => {
    const about = found.filter(({ subject }) => subject === 'source later');
    assert.deepEqual([...new Set(about.map(({ level }) => level))], ['ok']);
  });

  test('a source that several jobs use in the same way is told of once', () => {
    const subjects = ['source slow', 'drill in slow', 'source later', 'source received'];
    const told = found.filter(({ subject }) => subjects.includes(subject));
    assert.deepEqual(told.length, new Set(told.map(({ subject, message }) => `${subject}: ${message}`)).size);
  });

  test('finds a clock that is wrong', async () => {
    const late = { ...systemClock, now: () => new Date(Date.now() - 20 * 60_000) };
    const { status, found: all } = await doctor(['healthy'], { clock: late });
    assert.equal(status, 1);
    const [one] = all.filter(({ level }) => level === 'error');
    assert.match(one?.message ?? '', /our clock is 20 minutes behind its/);
    assert.match(one?.hint ?? '', /NTP/);
  });

  test('finds nothing wrong with a job that can work, and leaves nothing behind', async () => {
    const { status, found: all } = await doctor(['healthy']);
    assert.equal(status, 0);
    assert.deepEqual(
      all.filter(
        ({ level, subject }) =>
          level === 'error' || (!/configuration|source/.test(subject) && level !== 'ok'),
      ),
      [],
    );
    assert.ok(all.some(({ message }) => /PostgreSQL \d+.*pg_dump \d+/.test(message)));
    assert.equal(existsSync(at('good', 'holdfast-verify')), false);
    assert.equal(readdirSync(at('good', 'locks')).length, 0);
  });

  test('a job that cannot work alone fails; for people there is a table with what to do', async () => {
    const { status, stdout, stderr } = await holdfast(['doctor', 'prove'], {
      env: { HOLDFAST_CONFIG: at('holdfast.yaml') },
    });
    assert.equal(status, 1);
    assert.match(stdout, /^error +drill in slow +.*nothing can be restored there/m);
    assert.match(stdout, /What to do\n(.*\n)*drill in slow: make the folder/);
    assert.match(stderr, /prove cannot work: see /);
  });

  test('a source that cannot be drilled can be backed up all the same', async () => {
    const { status, stderr } = await holdfast(['doctor', 'kept', 'again'], {
      env: { HOLDFAST_CONFIG: at('holdfast.yaml') },
    });
    assert.equal(status, 3);
    assert.match(stderr, /^again cannot work: see drill in slow/m);
    assert.doesNotMatch(stderr, /kept/);
  });

  test('without a catalog only those jobs cannot work that need it', async () => {
    const { status, stdout, stderr } = await holdfast(['doctor', 'rows', 'healthy'], {
      env: { HOLDFAST_CONFIG: at('holdfast.yaml'), HOLDFAST_CATALOG: at('key', 'catalog.db') },
    });
    assert.equal(status, 3, stdout);
    assert.match(stdout, /^error +catalog /m);
    assert.match(stderr, /^rows cannot work: see catalog$/m);
    assert.doesNotMatch(stderr, /healthy/);
  });

  test('what was mended is not found again', async () => {
    await mend(folder, server);
    await busy[Symbol.asyncDispose]();
    await holdfast(['-r', at('stale'), 'unlock'], { env: { HOLDFAST_PASSWORD: 'secret' } });
    await holdfast(['init', '-c', at('holdfast.yaml'), '-r', 'unmade']);
    const { found: now } = await doctor(['files', 'silent', 'healthy', 'checks', 'prove']);
    const mended = [
      'a folder that is not there',
      'a folder that is empty',
      'a table that may not be read',
      'a role that may not make a scratch database',
      'a repository that was never made',
      'a wrong password of a repository',
      'a missing password file',
      'a password that others can read',
      'a store that is no folder',
      'an exclusive lock of somebody else',
      'a lock whose holder is gone',
      'a scratch folder that is not there',
      'writers that a backup would block',
    ];
    assert.deepEqual(
      faults.filter(({ what }) => mended.includes(what)).flatMap((planted) => matches(planted, now)),
      [],
    );
  });
});

const plant = (folder: string): void => {
  const at = (...parts: string[]): string => join(folder, ...parts);
  const database = (name: string, mode: string): void => {
    using db = new DatabaseSync(at(name));
    db.exec(
      `pragma journal_mode = ${mode}; create table t (id integer primary key, body text); create index i on t (body)`,
    );
    const insert = db.prepare('insert into t (body) values (?)');
    for (let row = 0; row < 500; row += 1) insert.run(`row ${row} `.repeat(20));
  };
  mkdirSync(at('empty'));
  mkdirSync(at('media'));
  writeFileSync(at('media', 'a'), 'a');
  writeFileSync(at('nodb.db'), 'no database at all, but some text instead of it');
  database('slow.db', 'delete');
  database('pattern.db', 'wal');
  database('damaged.db', 'delete');
  damage(at('damaged.db'));
  writeFileSync(at('blocked'), 'a file where a folder should be');
  writeFileSync(at('key'), 'secret', { mode: 0o600 });
  writeFileSync(at('wrong-key'), 'mistaken', { mode: 0o600 });
  writeFileSync(at('open-key'), 'secret');
  chmodSync(at('open-key'), 0o644);
};

const damage = (path: string): void => {
  using db = new DatabaseSync(path);
  const [row] = db.prepare("select rootpage from sqlite_schema where name = 't'").all() as {
    rootpage: number;
  }[];
  const [size] = db.prepare('pragma page_size').all() as { page_size: number }[];
  db.close();
  spawnSync('dd', [
    'if=/dev/zero',
    `of=${path}`,
    `bs=${size?.page_size}`,
    `seek=${(row?.rootpage ?? 1) - 1}`,
    'count=3',
    'conv=notrunc',
  ]);
};

/** A process that took a lock and was killed. */
const leaveStaleLock = (path: string): void => {
  const { signal, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'tools', 'die-with-lock.ts'), path, 'secret'],
    { encoding: 'utf8' },
  );
  assert.equal(signal, 'SIGKILL', stderr);
};

const yamlOf = (folder: string, server: PostgresServer, closed: number): string => `
catalog: ${folder}/catalog.db
repositories:
  good: { store: ${folder}/good, password: { file: ${folder}/key } }
  unmade: { store: ${folder}/unmade, password: { file: ${folder}/key } }
  wrong: { store: ${folder}/wrong, password: { file: ${folder}/wrong-key } }
  nokey: { store: ${folder}/good, password: { file: ${folder}/nokey } }
  openkey: { store: ${folder}/good, password: { file: ${folder}/open-key } }
  blocked: { store: ${folder}/blocked, password: { file: ${folder}/key } }
  far: { store: { kind: s3, endpoint: "http://127.0.0.1:${closed}", bucket: b, accessKeyId: a, secretAccessKey: b }, password: { file: ${folder}/key } }
  busy: { store: ${folder}/busy, password: { file: ${folder}/key } }
  stale: { store: ${folder}/stale, password: { file: ${folder}/key } }
sources:
  gone: { kind: files, path: ${folder}/gone }
  empty: { kind: files, path: ${folder}/empty }
  media: { kind: files, path: ${folder}/media }
  nodb: { kind: sqlite, path: ${folder}/nodb.db }
  damaged: { kind: sqlite, path: ${folder}/damaged.db }
  pattern: { kind: sqlite, path: ${folder}/pattern.db, tables: [nothing_*, t] }
  slow: { kind: sqlite, path: ${folder}/slow.db }
  down: { kind: postgres, url: "postgres://x:y@127.0.0.1:${closed}/shop" }
  stranger: { kind: postgres, url: "${server.url('shop', 'postgres', 'not it')}" }
  nodatabase: { kind: postgres, url: "${server.url('nothing_of_that_name')}" }
  couch: { kind: couchdb, url: "http://127.0.0.1:${closed}", user: a, password: b }
  copy: { kind: couchdb, url: "http://localhost:${closed}/", user: a, password: b }
  received: { kind: postgres, url: "postgres://x:y@127.0.0.1:${closed}/shop" }
  later: { kind: postgres, url: "${server.url('not_received_yet')}" }
  listing: { kind: postgres, url: "${server.url('shop')}" }
  statuses: { kind: postgres, url: "${server.url('nothing_of_that_name')}" }
  unreadable: { kind: postgres, url: "${server.url('shop', 'reader', 'r')}" }
  nodump: { kind: postgres, url: "${server.url('shop')}", pgDump: ${folder}/no-pg_dump }
  shop: { kind: postgres, url: "${server.url('shop')}" }
  forgotten: { kind: files, path: ${folder}/media }
notifiers:
  mail: { kind: email, smtp: "smtp://127.0.0.1:${closed}", from: a@example.org, to: [b@example.org] }
  program: { kind: command, command: [holdfast-no-such-program] }
jobs:
  files: { backup: [gone, empty, nodb, damaged, pattern, slow, down, stranger, nodatabase, unreadable, nodump], to: [good], notify: [mail, program] }
  silent: { backup: [media], to: [good], schedule: "30 3 * * *", keep: { last: 3 } }
  healthy: { backup: [shop, media], to: [good] }
  checks: { check: [unmade, wrong, nokey, openkey, blocked, busy, stale] }
  distant: { check: [far] }
  plain: { archive: [media], to: [${folder}/blocked] }
  inward: { archive: [media], to: [${folder}/media/kept] }
  standby: { replicate: couch, into: copy }
  follow: { receive: [{ source: shop, into: received }, { source: shop, into: later }], from: good }
  copies: { mirror: ${folder}/empty, to: ${folder}/good, listedBy: { source: listing, query: select path from no_such_table }, statusTable: statuses }
  rows: { export: [shop], tables: [{ table: secrets, key: id }], to: ${folder}/rows, purge: { listedIn: ${folder}/nowhere } }
  gathered: { export: [shop], tables: [{ table: dates, key: id }, { table: secrets, key: number }, { table: dated, key: id, overlap: 1h }], to: ${folder}/rows }
  lately: { backup: [shop], to: [good], partial: { since: 10m, by: at, tables: [dates, { table: dated, by: note }, secrets] } }
  pictures: { backup: [shop], to: [good], partial: { since: 10m, by: at, tables: [dated], files: [{ table: dated, column: path, folder: ${folder} }, { table: dated, column: note, folder: ${folder}/no-pictures }] } }
  prove: { drill: [slow, unreadable], from: good, scratch: ${folder}/no-scratch }
  kept: { backup: [slow], to: [good] }
  fetched: { backup: [received], to: [good] }
  again: { drill: [slow], from: good, scratch: ${folder}/no-scratch }
  followed: { receive: [{ source: shop, into: later }], from: good }
`;

const mend = async (folder: string, server: PostgresServer): Promise<void> => {
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const name of ['gone', 'empty']) {
    mkdirSync(at(name), { recursive: true });
    writeFileSync(at(name, 'here'), 'here');
  }
  mkdirSync(at('no-scratch'));
  await server.psql('shop', 'grant select on secrets to reader; alter role reader createdb');
  renameSync(at('key'), at('nokey'));
  writeFileSync(at('key'), 'secret', { mode: 0o600 });
  writeFileSync(at('wrong-key'), 'secret', { mode: 0o600 });
  for (const name of ['open-key', 'nokey']) chmodSync(at(name), 0o600);
  rmSync(at('blocked'));
  using db = new DatabaseSync(at('slow.db'));
  db.exec('pragma journal_mode = wal');
};
