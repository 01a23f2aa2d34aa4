// Jobs whose parts are right by themselves and do not go together.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { machineName } from '#lib/machine-name.ts';
import { mistakesIn } from './testing.ts';

const file = (jobs: string): string => `\
repositories:
  near: { store: /srv/near, password: x }
  nearer: { store: "local:/srv/near/", password: x }
  far: { store: "sftp:vault:/srv/far", password: x }
sources:
  pg: { kind: postgres, url: "postgres://db/shop" }
  my: { kind: mysql, url: "mysql://db/shop" }
  maria: { kind: mariadb, url: "mysql://other/shop" }
  mongo: { kind: mongodb, url: "mongodb://db/shop" }
  mssql: { kind: sqlserver, url: "sqlserver://sa@db/shop" }
  couch: { kind: couchdb, url: "http://couch:5984" }
  couch-again: { kind: couchdb, url: "couchdb://admin@couch" }
  lite: { kind: sqlite, path: /srv/shop.db }
  media: { kind: files, path: /srv/media }
  every: { kind: mysql, url: "mysql://db/", databases: all }
  some: { kind: postgres, url: "postgres://db/", databases: [shop_*] }
  roots: { kind: files, paths: [/srv/media, /srv/more] }
  Media: { kind: files, path: /srv/upper }
jobs:
${jobs}
`;

/** What is said of a job, without where. */
const mistakesOf = (job: string): string[] =>
  mistakesIn(file(`${backups}\n  j: { ${job} }`)).map((text) => text.replace(/^f:\d+:\d+: /, ''));

const backups = `\
  both: { backup: [pg, media], to: [near] }
  upper: { backup: [media, Media], to: [near] }
  often: { backup: [pg], to: [far], partial: { since: 10m, by: changed, tables: [t] } }`;

/** The job, and all that is to be said of it. */
const cases: readonly (readonly [name: string, job: string, expected: readonly string[]])[] = [
  [
    'a partial backup of a kind that has none',
    'backup: [my], to: [near], partial: { since: 10m, by: changed, tables: [t] }',
    ['jobs.j.partial: is for a source of kind postgres, and "my" is of kind mysql'],
  ],
  [
    'a table that a partial backup names twice',
    'backup: [pg], to: [near], partial: { since: 10m, by: changed, tables: [t, { table: t, by: other }] }',
    ['jobs.j.partial.tables[1]: "t" is here twice'],
  ],
  [
    'a backup into one place under two names',
    'backup: [pg], to: [near, far, nearer]',
    ['jobs.j.to[2]: is the same place as "near"'],
  ],
  [
    'work on one database of a source that may have several',
    'export: [pg, every, some], tables: [{ table: t, key: id }], to: /srv/out',
    ['every', 'some'].map(
      (name, at) =>
        `jobs.j.export[${at + 1}]: an export is of one database, and "${name}" may have several: give it one "database"`,
    ),
  ],
  [
    'a moment that is held for what has none',
    'backup: [media, couch], to: [near], together: true, hooks: { held: "true" }',
    [
      'jobs.j.together: is for a source of kind sqlite, postgres, mysql, mongodb, sqlserver or files with `fsSnapshot`, and "media" is of kind files',
    ],
  ],
  [
    'a hook for a moment that never comes',
    'backup: [pg], to: [near], hooks: { held: "true" }',
    ['jobs.j.hooks.held: is for a backup job with "together: true"'],
  ],
  [
    'a moment for a part of the rows',
    'backup: [pg], to: [near], together: true, partial: { since: 10m, by: changed, tables: [t] }',
    ['jobs.j.together: is for complete backups, and this job has "partial"'],
  ],
  [
    'a partial backup of several databases',
    'backup: [some], to: [near], partial: { since: 10m, by: changed, tables: [t] }',
    [
      'jobs.j.partial: a partial backup is of one database, and "some" may have several: give it one "database"',
    ],
  ],
  [
    'a receiver of several databases',
    'receive: [{ source: shop, into: every }], from: near',
    [
      'jobs.j.receive[0]: what is received is of one database, and "every" may have several: give it one "database"',
    ],
  ],
  [
    'a list of files in several databases',
    'mirror: /srv/a, to: /srv/b, listedBy: { source: some, query: select 1 }',
    [
      'jobs.j.listedBy.source: a list of files is of one database, and "some" may have several: give it one "database"',
    ],
  ],
  [
    'an export from what has no rows',
    'export: [lite, couch], tables: [{ table: t, key: id }], to: /srv/out',
    [
      'jobs.j.export[1]: must be a source of kind sqlite, postgres, mysql or sqlserver, and "couch" is of kind couchdb',
    ],
  ],
  [
    'files that are shipped to where they are',
    'export: [lite], tables: [{ table: t, key: id }], to: /srv/out, shipTo: "local:/srv/out/"',
    ['jobs.j.shipTo: what is shipped must leave the folder of the exports, and this is the same place'],
  ],
  [
    'files that count as taken away where they are',
    'export: [lite], tables: [{ table: t, key: id }], to: /srv/out, purge: { listedIn: /srv/out/taken }',
    ['jobs.j.purge.listedIn: what shows that files were taken away must be another store, and this is in it'],
  ],
  [
    'a mirror into itself',
    'mirror: { kind: s3, bucket: b, prefix: a }, to: { kind: s3, bucket: b, prefix: a/copies }',
    ['jobs.j.to: copies must not lie among the originals, and this is in it'],
  ],
  [
    'a mirror of what a database lists that answers no queries',
    'mirror: /srv/a, to: /srv/b, listedBy: { source: my, query: select 1 }, statusTable: lite',
    [
      'jobs.j.listedBy.source: must be a source of kind postgres, and "my" is of kind mysql',
      'jobs.j.statusTable: must be a source of kind postgres, and "lite" is of kind sqlite',
    ],
  ],
  [
    'a receiver of a kind that takes nothing in',
    'receive: [{ source: shop, into: couch }], from: near',
    [
      'jobs.j.receive[0].into: must be a source of kind files, sqlite, postgres, mysql, mongodb or sqlserver, and "couch" is of kind couchdb',
    ],
  ],
  [
    'a receiver of several folders',
    'receive: [roots], from: near',
    ['jobs.j.receive[0]: several paths cannot be received into: give "roots" one "path"'],
  ],
  [
    'files of changes that a receiver does not take',
    'receive: [{ source: shop, into: lite, files: /srv/media }], from: near',
    ['jobs.j.receive[0].files: is for a source of kind postgres, and "lite" is of kind sqlite'],
  ],
  [
    'snapshots that are fetched into where they are',
    'receive: [lite], from: near, fetchInto: { repository: nearer }',
    ['jobs.j.fetchInto.repository: is the same place as "near"'],
  ],
  [
    'a replication of what does not replicate',
    'replicate: pg, into: my',
    [
      'jobs.j.replicate: must be a source of kind couchdb, and "pg" is of kind postgres',
      'jobs.j.into: must be a source of kind couchdb, and "my" is of kind mysql',
    ],
  ],
  [
    'a replication into the server itself',
    'replicate: couch, into: couch-again',
    ['jobs.j.into: must be another server than that of "couch"'],
  ],
  [
    'a drill on a server of another engine',
    'drill: [{ source: pg, into: my }], from: near',
    ['jobs.j.drill[0].into: must be a source of kind postgres, as "pg" is, and "my" is of kind mysql'],
  ],
  [
    'a drill on a server of the same engine by its other name',
    'drill: [{ source: my, into: maria }], from: near',
    [],
  ],
  [
    'a server for what is made in a folder',
    'drill: [{ source: media, into: roots }], from: near',
    [
      'jobs.j.drill[0].into: is for databases on a server: what is made of a source of kind files lies in "scratch"',
    ],
  ],
  [
    'a query to files',
    'drill: [{ source: media, queries: [{ query: x }] }], from: near',
    [
      'jobs.j.drill[0].queries: are for a source of kind sqlite, postgres, mysql, mongodb, sqlserver or couchdb, and "media" is of kind files',
    ],
  ],
  [
    'a choice among one database',
    'drill: [{ source: lite, queries: [{ query: x, database: main }] }], from: near',
    ['jobs.j.drill[0].queries[0].database: a source of kind sqlite holds one database: leave it out'],
  ],
  [
    'a folder for a drill that makes no files',
    'drill: [pg, mongo], from: near, scratch: /srv/scratch',
    ['jobs.j.scratch: is for a source of kind files or sqlite, and "pg" is of kind postgres'],
  ],
  [
    'a folder for a drill of which a part makes files',
    'drill: [pg, lite], from: near, scratch: /srv/scratch',
    [],
  ],
  [
    'a restore point of a job that makes none',
    'drill: { point: j }, from: near',
    ['jobs.j.drill.point: must be a backup job, and "j" is none; there are both, upper'],
  ],
  [
    'a restore point of changes',
    'drill: { point: often }, from: near',
    ['jobs.j.drill.point: must be a job of complete backups, and "often" has "partial"'],
  ],
  [
    'how a source is drilled that the restore point does not have',
    'drill: { point: both, sources: [{ source: my, into: maria }] }, from: near',
    ['jobs.j.drill.sources[0]: "both" does not back up "my"; it backs up pg, media'],
  ],
  [
    'how a source of a restore point is drilled twice',
    'drill: { point: both, sources: [pg, { source: pg }] }, from: near',
    ['jobs.j.drill.sources[1]: "pg" is here twice'],
  ],
  [
    'a query across sources of no one moment',
    'drill: [pg, media], from: near, across: [{ query: select 1 }]',
    ['jobs.j.across: is for sources of one moment: drill a restore point, "drill: { point: <backup job> }"'],
  ],
  [
    'a query across to a source that is not of the restore point',
    String.raw`drill: { point: both }, from: near, across: [{ query: select 1 from pg.t }, { query: "select pgg.a from pg.t p -- from x.y\n left join (\"medja\".files) where p.a is distinct from q.b" }]`,
    ['jobs.j.across[1].query: "both" backs up no source "medja"; did you mean "media"?'],
  ],
  [
    'a query across to sources that SQL takes for one',
    'drill: { point: upper }, from: near, across: [{ query: select 1 from media.files }]',
    ['jobs.j.across: SQLite cannot tell "Media" from "media": give that source another name'],
  ],
  [
    'a whole restore point with queries across it',
    'drill: { point: both, host: db1, sources: [{ source: pg, into: some, queries: [{ query: select 1 }] }] }, from: far, scratch: /srv/scratch, across: [{ query: "select 1 from PG.t, [media].files", expect: 1 }]',
    [],
  ],
  [
    'an archive of a kind without such dumps',
    'archive: [pg, mongo], to: [/srv/a], name: "{source}.sql.gz"',
    [
      'jobs.j.archive[1]: a "name" that ends in .sql is for a source of kind sqlite, postgres or mysql, and "mongo" is of kind mongodb',
    ],
  ],
  [
    'an archive with an ending that no dump has',
    'archive: [mongo], to: [/srv/a], name: "{source}.archive.gz"',
    ['jobs.j.name: ends in .archive, as no dump does: let it end in .sql.gz or .tar.gz'],
  ],
  [
    'a tar for each database',
    'archive: [pg], to: [/srv/a], name: "{source}_{database}.tar.gz"',
    ['jobs.j.name: holds {database}, and a tar holds all databases of a source'],
  ],
  [
    'a tar for each database, of a kind without another form',
    'archive: [pg, media], to: [/srv/a], name: "{source}_{database}"',
    ['jobs.j.name: holds {database}, and a tar holds all databases of a source'],
  ],
  [
    'dumps of the same name',
    'archive: [pg, my], to: [/srv/a], name: "{yyyy}{mm}{dd}.sql.gz"',
    ['jobs.j.name: must hold {source}: files of several sources would be called the same'],
  ],
  [
    'tars of the same name',
    'archive: [media, mongo], to: [/srv/a], name: "{yyyy}{mm}{dd}"',
    ['jobs.j.name: must hold {source}: files of several sources would be called the same'],
  ],
  [
    'a dump and a tar of the same name but for the ending',
    'archive: [media, pg], to: [/srv/a], name: "{yyyy}"',
    [],
  ],
  ['one tar for all', 'archive: [media, pg], to: [/srv/a], name: "{yyyy}.tgz"', []],
  [
    'dumps that are told apart by their databases',
    'archive: [my, pg], to: [/srv/a], name: "{database}.sql"',
    [],
  ],
  [
    'an ending of what is encrypted, to nobody',
    'archive: [pg], to: [/srv/a], name: "{source}.sql.gz.age"',
    ['jobs.j.name: ends in .age, and no "encryptTo" is given'],
  ],
  [
    'a public key that was cut short, one that was mistyped, and a whole one',
    'archive: [pg], to: [/srv/a], encryptTo: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac, age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac9p, age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]',
    [0, 1].map((at) => `jobs.j.encryptTo[${at}]: is no whole public key of age: copy it once more`),
  ],
  [
    'an answer to a query that is compared with nothing',
    'drill: [{ source: lite, queries: [{ query: x, expect: ">" }, { query: x, expect: "!= " }, { query: x, expect: ">= 1" }] }], from: near',
    ['jobs.j.drill[0].queries[0].expect: compares with nothing'],
  ],
  [
    'an answer to a query with more digits than a number keeps',
    'drill: [{ source: lite, queries: [{ query: x, expect: 9007199254740993 }, { query: x, expect: "9007199254740993" }, { query: x, expect: 1.5 }] }], from: near',
    ['jobs.j.drill[0].queries[0].expect: has more digits than a number keeps: write it in quotes'],
  ],
  [
    'an archive into one place twice',
    'archive: [pg], to: [/srv/a, "sftp:vault:/srv/a", "local:/srv/a/"]',
    ['jobs.j.to[2]: this place is here twice'],
  ],
];

for (const [name, job, expected] of cases)
  test(expected.length > 0 ? `${name} is a mistake` : `${name} is none`, () =>
    assert.deepEqual(mistakesOf(job), expected),
  );

test('what this machine backs up is not received into itself', () => {
  const both = (receive: string): string[] =>
    mistakesIn(
      file(`  nightly: { backup: [pg], to: [far, near] }\n  follow: { receive: [${receive}], from: nearer }`),
    );
  const expected = [
    'f:21:23: jobs.follow.receive[0]: would load "pg" into itself, for "nightly" backs it up; where another machine does, name that as "host"',
  ];
  assert.deepEqual(both('pg'), expected);
  assert.deepEqual(both(`{ source: pg, into: pg, host: ${machineName()} }`), expected);
  assert.deepEqual(both('{ source: pg, into: pg, host: elsewhere }'), []);
  assert.deepEqual(both('{ source: pg, into: my }'), []);
  assert.deepEqual(both('my'), []);
});

test('what one job receives is not received over by another', () => {
  const both = (follow: string, other: string): string[] =>
    mistakesIn(
      file(`  follow: { receive: [${follow}], from: near }\n  other: { receive: [${other}], from: far }`),
    ).map((text) => text.replace(/^f:\d+:\d+: /, ''));
  assert.deepEqual(both('{ source: shop, into: pg }', '{ source: wiki, into: pg }'), [
    'jobs.follow.receive[0]: "other" receives something else into the same place',
    'jobs.other.receive[0]: "follow" receives something else into the same place',
  ]);
  assert.deepEqual(both('{ source: shop, into: pg }', '{ source: shop, into: pg }'), []);
  assert.equal(both('{ source: shop, into: pg }', '{ source: shop, into: pg, host: elsewhere }').length, 2);
  assert.deepEqual(both('{ source: shop, into: pg }', '{ source: wiki, into: my }'), []);
});

test('a folder is the same place by whatever link it is called', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
  try {
    symlinkSync(folder, join(folder, 'link'));
    assert.deepEqual(mistakesOf(`mirror: ${folder}, to: ${folder}/link/copies`), [
      'jobs.j.to: copies must not lie among the originals, and this is in it',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('containers of one name are the same place in one account only', () => {
  const swift = (more: string): string => `{ kind: swift, container: files${more} }`;
  assert.deepEqual(mistakesOf(`mirror: ${swift('')}, to: ${swift(', cloud: other')}`), []);
  assert.deepEqual(mistakesOf(`mirror: ${swift(', cloud: one')}, to: ${swift(', cloud: one, prefix: a')}`), [
    'jobs.j.to: copies must not lie among the originals, and this is in it',
  ]);
});

test('what a kind that does not exist could do is not told', () =>
  assert.equal(
    mistakesIn(
      file('  j: { export: [odd], tables: [{ table: t, key: id }], to: /srv/out }').replace(
        '  lite:',
        '  odd: { kind: od }\n  lite:',
      ),
    ).length,
    1,
  ));

test('a mistake in one job hides none of others beside one another', () => {
  const text = file(`\
  wrong: { backup: [pg], to: [near], shedule: "0 3 * * *" }
  same: { backup: [pg], to: [near, nearer] }`);
  assert.deepEqual(
    mistakesIn(text).map((line) => line.replace(/^f:\d+:\d+: /, '')),
    [
      'jobs.wrong.shedule: unknown key; did you mean "schedule"?',
      'jobs.same.to[1]: is the same place as "near"',
    ],
  );
});
