import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceKinds } from '#sources/registry.ts';
import { storeKinds } from '#stores/registry.ts';
import { mistakesIn } from './testing.ts';

const sourceNames = [...sourceKinds.values()].flatMap(({ name, aliases }) => [name, ...aliases]);

/** A sound file, to which each test adds its mistake. */
const sound = `\
repositories:
  offsite: { store: /srv/backups, password: { file: /etc/holdfast/key } }
sources:
  media: { kind: files, path: /srv/media }
jobs:
  nightly: { backup: [media], to: [offsite] }
`;
const ageKey = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const siteKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMC3vtp9ac3D2fY8PCuTAKbahxSwcDiWlhugcrBZl06a';
const otherSiteKey = siteKey.replace('MC3vtp9', 'MC3vtp8');
const inRepository = (line: string): string => `repositories:\n  r:\n    ${line}\n    store: /srv\n`;
const inSource = (lines: string): string => `sources:\n  s:\n    kind: files\n    ${lines}\n`;
const inJob = (lines: string): string => `${sound}  extra:\n    ${lines}\n`;

/** What is wrong, the text, and all that is to be said of it. */
const cases: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
  ['a sound file', sound, []],
  [
    'a time for a digest that nobody is sent',
    `${sound.replace('] }\n', '], notify: [{ to: ops, at: "08:00" }] }\n')}notifiers: { ops: { kind: webhook, url: "https://ops.example/" } }\n`,
    ['f:6:70: jobs.nightly.notify[0].at: is for a digest, and "when" asks for none'],
  ],
  [
    'a mirror that looks back without a listing',
    inJob('mirror: /srv/a\n    to: /srv/b\n    lookBack: 2h'),
    ['f:10:15: jobs.extra.lookBack: is for what "listedBy" lists'],
  ],
  [
    'a site in no name of an archive',
    inJob('archive: [media]\n    to: [/srv/a]\n    site: north'),
    ['f:10:11: jobs.extra.site: is for a "name" that holds {site}'],
  ],
  [
    'a site in no name of an export',
    inJob(
      'export: [media]\n    tables: [{ table: t, key: id }]\n    to: /srv/a\n    name: "{table}_{first}.csv"\n    site: north',
    ).replace('kind: files', 'kind: sqlite'),
    ['f:12:11: jobs.extra.site: is for a "name" that holds {site}'],
  ],
  [
    'a site without a use',
    `site: north\n${sound}`,
    ['f:1:7: site: is for "bulletins", or for a "name" of files that holds {site}'],
  ],
  [
    'bulletins of no site, and for nobody',
    `${sound}bulletins: { to: /srv/bulletins, for: age1 }\n`,
    ['f:7:39: bulletins.for: must be a public key of age: age1…'],
  ],
  [
    'bulletins of no site',
    `${sound}bulletins: { to: /srv/bulletins, for: ${ageKey} }\n`,
    ['f:7:12: bulletins: needs a "site" beside it: what the console calls this one'],
  ],
  [
    'a site that is no folder, and bulletins where only repositories may lie',
    `site: ../north\nbulletins: { to: "rest:http://vault/", for: [${ageKey}, ${ageKey}] }\n`,
    [
      'f:1:7: site: a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most',
      'f:2:18: bulletins.to: keeps repositories and no plain files; what keeps them is local, memory, s3, sftp, swift',
      'f:2:110: bulletins.for[1]: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" is here twice',
    ],
  ],
  [
    'a console that is to tell of sites what is told of jobs',
    `notifiers: { ops: { kind: webhook, url: "http://127.0.0.1/" } }
console: { bulletins: /srv/bulletins, identity: k, notify: [{ to: ops, when: [failure, digest] }] }
`,
    ['f:2:61: console.notify[0]: "digest" is told of jobs; of sites are "failure" and "recovery"'],
  ],
  [
    'a console that can open nothing, and a site that it expects twice',
    'console: { bulletins: /srv/bulletins, sites: [north, north] }\n',
    [
      'f:1:1: console: "identity" is missing: a text, { file: … }, { env: … } or { command: … }',
      'f:1:54: console.sites[1]: "north" is here twice',
    ],
  ],
  [
    'a console that would believe one site in the name of another',
    `console: { bulletins: /srv/bulletins, identity: k, sites: { north: ${siteKey}, south: [${otherSiteKey}, ${siteKey}] } }\n`,
    ['f:1:157: console.sites.south: has a key of "north", which could pass for it'],
  ],
  [
    'a console with keys of sites that are none',
    `console:
  bulletins: /srv/bulletins
  identity: k
  sites:
    north: ${siteKey}
    east: [${otherSiteKey.slice(0, -1)}]
    west: unsinged
    ../up: unsigned
    home: 7
`,
    [
      'f:6:12: console.sites.east[0]: must be the public key of a site, which is "ssh-ed25519 " and 68 characters',
      'f:7:11: console.sites.west: must be the public key of a site, which is "ssh-ed25519 " and 68 characters, or unsigned; did you mean "unsigned"?',
      'f:8:5: console.sites."../up": a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most',
      'f:9:11: console.sites.home: must be unsigned, a text or a list, not a number; a text that looks like one needs quotes',
    ],
  ],
  [
    'a console that has a key of a site twice',
    `console: { bulletins: /srv/bulletins, identity: k, sites: { north: [${siteKey}, ${siteKey}] } }\n`,
    [`f:1:151: console.sites.north[1]: "${siteKey}" is here twice`],
  ],
  [
    'a console with a mapping of no sites',
    'console: { bulletins: /srv/bulletins, identity: k, sites: {} }\n',
    ['f:1:59: console.sites: must not be empty'],
  ],
  [
    'bulletins with a key that is no secret',
    `${sound}site: north\nbulletins: { to: /srv/bulletins, for: ${ageKey}, key: { fil: /etc/holdfast/site.key } }\n`,
    ['f:8:110: bulletins.key.fil: unknown key; did you mean "file"?'],
  ],
  [
    'orders that come through no store',
    `${sound}orders: { from: ${siteKey}, jobs: [nightly] }\n`,
    ['f:7:9: orders: needs "bulletins" beside it: the store that they come through, too'],
  ],
  [
    'orders of nobody, and of jobs that there are not',
    `${sound}site: north
bulletins: { to: /srv/bulletins, for: ${ageKey} }
orders:
  from: [${ageKey}, ${siteKey}, ${siteKey}]
  jobs: [nigthly, weekly, nightly, nightly]
  job: x
`,
    [
      'f:10:10: orders.from[0]: must be the public key of a console, which is "ssh-ed25519 " and 68 characters',
      `f:10:156: orders.from[2]: "${siteKey}" is here twice`,
      'f:11:10: orders.jobs[0]: no job is called "nigthly"; did you mean "nightly"?',
      'f:11:19: orders.jobs[1]: no job is called "weekly"; jobs are nightly',
      'f:11:36: orders.jobs[3]: "nightly" is here twice',
      'f:12:3: orders.job: unknown key; the keys here are from, jobs',
    ],
  ],
  [
    'orders of nothing',
    `${sound}site: north\nbulletins: { to: /srv/bulletins, for: ${ageKey} }\norders: { from: [], jobs: [] }\n`,
    ['f:9:17: orders.from: must not be empty', 'f:9:27: orders.jobs: must not be empty'],
  ],
  ['nothing', '', ['f:1:1: the file is empty']],
  ['only a comment', '# later\n', ['f:1:1: the file is empty']],
  ['a list instead of a mapping', '- a\n', ['f:1:1: must be a mapping, not a list']],
  [
    'YAML that is none',
    'sources:\n  a: [1, 2\nb: 3\n',
    ['f:3:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'a variable without quotes in braces, once for all that follows',
    `sources:\n  a: { kind: files, path: \${HOME}/a }\n  b: { kind: files, path: /b }\n`,
    [`f:2:28: not YAML: between { and } or [ and ], a text with a variable in it needs quotes: "\${NAME}"`],
  ],
  ['a tab', 'sources:\n\ta: 1\n', ['f:2:1: not YAML: Tabs are not allowed as indentation']],
  ['two documents', 'sources: {}\n---\nsources: {}\n', ['f:2:1: the file holds more than one document']],
  [
    'a key twice',
    `${sound}sources: {}\n`,
    [
      'f:6:23: jobs.nightly.backup[0]: no source is called "media"; the file has no sources',
      'f:7:1: the key "sources" is here twice',
    ],
  ],
  [
    'an alias without an anchor',
    'sources: *none\n',
    ['f:1:10: no such anchor before this; a text that begins with * needs quotes'],
  ],
  [
    'an unknown tag',
    'sources: !env FOO\n',
    ['f:1:10: an unknown tag; a text that begins with ! needs quotes'],
  ],
  [
    'a tag that other schemas of YAML know',
    'catalog: !!binary aGk=\n',
    ['f:1:10: an unknown tag; a text that begins with ! needs quotes'],
  ],
  [
    'a cron expression without quotes, which begins with a star',
    inJob('check: [offsite]\n    schedule: */5 * * * *'),
    ['f:9:19: not YAML: a text that begins with * needs quotes'],
  ],
  [
    'a cron expression of four fields',
    inJob('check: [offsite]\n    schedule: "30 3 * *"'),
    ['f:9:15: jobs.extra.schedule: is no cron expression such as "30 3 * * *" (it has 4 fields, not five)'],
  ],
  [
    'a word for a cron expression that is none',
    inJob('check: [offsite]\n    schedule: "@reboot"'),
    [
      'f:9:15: jobs.extra.schedule: is no cron expression such as "30 3 * * *" (the words that stand for one are @yearly, @monthly, @weekly, @daily, @hourly)',
    ],
  ],
  [
    'a day that never comes',
    inJob('check: [offsite]\n    schedule: "0 0 30 2 *"'),
    ['f:9:15: jobs.extra.schedule: is no cron expression such as "30 3 * * *" (it never comes)'],
  ],
  ['a key that is a list', '? [a, b]\n: c\n', ['f:1:3: not YAML as it is read here: a key must be a text']],
  [
    'a rule for what to keep that is misspelt is one mistake',
    inJob('backup: [media]\n    to: [offsite]\n    keep: { dayly: 7 }'),
    ['f:10:13: jobs.extra.keep.dayly: unknown key; did you mean "daily"?'],
  ],
  [
    'a time limit of a hook that no timer can wait for',
    inJob('check: [offsite]\n    hooks: { before: { command: "true", timeLimit: 30d } }'),
    ['f:9:52: jobs.extra.hooks.before.timeLimit: must not be longer than "24d"'],
  ],
  [
    'a time for a stop that no timer can wait for',
    'daemon: { stopTimeout: 30d }\n',
    ['f:1:24: daemon.stopTimeout: must not be longer than "24d"'],
  ],
  [
    'a patience that no timer has',
    'repositories: { r: { store: { kind: sftp, host: h, path: /x, timeoutSeconds: 3000000 }, password: x } }\n',
    ['f:1:78: repositories.r.store.timeoutSeconds: must be at most 86400'],
  ],
  [
    'a length of time before all dates',
    inJob('backup: [media]\n    to: [offsite]\n    maxAge: 999999w'),
    ['f:10:13: jobs.extra.maxAge: must not be longer than "52000w"'],
  ],
  [
    'an address of a service that is none',
    'repositories: { r: { store: { kind: s3, bucket: b, endpoint: vault }, password: x } }\n',
    ['f:1:62: repositories.r.store.endpoint: must be an http: or https: URL'],
  ],
  [
    'an address of a notifier that is none',
    'notifiers: { a: { kind: webhook, url: hooks.example/x }, b: { kind: healthchecks, url: { env: PING } } }\n',
    ['f:1:39: notifiers.a.url: must be an http: or https: URL'],
  ],
  [
    'a header that is none',
    'notifiers: { a: { kind: webhook, url: "https://x.example", headers: { "a b": c } } }\n',
    ['f:1:71: notifiers.a.headers."a b": must be the name of a header'],
  ],
  [
    'TLS that is off where it begins at once',
    'notifiers: { a: { kind: email, smtp: "smtps://x", from: a@b.example, to: [a@b.example], tls: off } }\n',
    ['f:1:94: notifiers.a.tls: smtps:// is TLS from the first byte: write smtp://, or leave it out'],
  ],
  [
    'half a key of a bucket',
    'repositories: { r: { store: { kind: s3, bucket: b, secretAccessKey: x }, password: x } }\n',
    ['f:1:69: repositories.r.store.secretAccessKey: needs an "accessKeyId" beside it'],
  ],
  [
    'how rows are read where none is',
    'sources:\n  s: { kind: sqlserver, user: u, isolation: lock, native: { serverFolder: /a, localFolder: /b } }\n',
    ['f:2:45: sources.s.isolation: is for rows, which `native` does not read'],
  ],
  [
    'what a connection URL says that cannot be',
    'sources:\n  a: { kind: postgres, url: "postgres://db/x?sslmode=maybe" }\n  b: { kind: mysql, url: "mysql://db:99999/x" }\n  c: { kind: mysql, url: "mysql://db/x?ssl-mode=VERIFY_CA" }\n',
    [
      'f:2:29: sources.a.url: sslmode "maybe" is unknown',
      'f:3:26: sources.b.url: the connection URL is refused: its port is no number from 1 to 65535',
    ],
  ],
  [
    'a path that is misspelt is one mistake',
    'sources: { s: { kind: files, pth: /srv } }\n',
    ['f:1:30: sources.s.pth: unknown key; did you mean "path"?'],
  ],
  [
    'a name that is no name of a file any more',
    `sources: { ${'s'.repeat(201)}: { kind: files, path: /srv } }\n`,
    [
      `f:1:12: sources.${'s'.repeat(201)}: a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most`,
    ],
  ],
  ['a merge of no mapping', 'sources: { <<: 3 }\n', ['f:1:12: << takes a mapping, or a list of them']],
  [
    'anchors within themselves',
    'sources: &s { <<: *s }\n',
    ['f:1:1: its anchors refer to themselves, or to one another too many times'],
  ],
  ['a key that would poison', 'sources: { __proto__: {} }\n', ['f:1:12: unknown key "__proto__"']],
  ['an unknown key at the top', 'source: {}\n', ['f:1:1: source: unknown key; did you mean "sources"?']],
  [
    'an unknown key that is like none',
    'banana: {}\n',
    [
      'f:1:1: banana: unknown key; the keys here are site, repositories, sources, notifiers, jobs, daemon, logs, bulletins, orders, console, catalog',
    ],
  ],
  [
    'an unknown key of a source',
    inSource('path: /srv\n    exlude: [a]'),
    ['f:5:5: sources.s.exlude: unknown key; did you mean "exclude"?'],
  ],
  [
    'a misspelt key that must be there is one mistake',
    'repositories: { r: { stor: /srv, password: x } }\n',
    ['f:1:22: repositories.r.stor: unknown key; did you mean "store"?'],
  ],
  [
    'a missing key',
    'repositories:\n  r: { store: /srv }\n',
    ['f:2:3: repositories.r: "password" is missing: a text, { file: … }, { env: … } or { command: … }'],
  ],
  [
    'a number for a text',
    inRepository('password: 1234'),
    [
      'f:3:15: repositories.r.password: must be a text, { file: … }, { env: … } or { command: … }, not a number; a text that looks like one needs quotes',
    ],
  ],
  ['an empty password', inRepository('password: ""'), ['f:3:15: repositories.r.password: must not be empty']],
  [
    'nothing after a key',
    inRepository('password:'),
    [
      'f:3:5: repositories.r.password: must be a text, { file: … }, { env: … } or { command: … }, not nothing',
    ],
  ],
  [
    'an unknown form of secret',
    inRepository('password: { fil: /key }'),
    ['f:3:17: repositories.r.password.fil: unknown key; did you mean "file"?'],
  ],
  [
    'two forms of secret',
    inRepository('password: { file: /key, env: KEY }'),
    ['f:3:15: repositories.r.password: must be { file: … } or { env: … }, and nothing beside it'],
  ],
  [
    'a number as the file of a secret',
    inRepository('password: { file: 7 }'),
    [
      'f:3:23: repositories.r.password.file: must be a text, not a number; a text that looks like one needs quotes',
    ],
  ],
  [
    'a word that is no choice',
    inRepository('password: x\n    compression: maxx'),
    [
      'f:4:18: repositories.r.compression: must be one of off, fast, default, max, not "maxx"; did you mean "max"?',
    ],
  ],
  [
    'a text for true or false',
    inRepository('password: x\n    verifyWrites: yes'),
    ['f:4:19: repositories.r.verifyWrites: must be true or false, not a text'],
  ],
  [
    'a URL nobody knows',
    'repositories: { r: { store: "loca:/srv", password: x } }\n',
    [
      `f:1:29: repositories.r.store: unknown scheme "loca"; did you mean "local"?; known are ${[...storeKinds.values()].flatMap(({ schemes }) => schemes).join(', ')}; write a path that holds a colon as ./loca:…`,
    ],
  ],
  [
    'a kind of store nobody knows',
    'repositories: { r: { store: { kind: locl, path: /srv }, password: x } }\n',
    [
      `f:1:37: repositories.r.store.kind: must be one of ${[...storeKinds.keys()].join(', ')}, not "locl"; did you mean "local"?`,
    ],
  ],
  [
    'a number for a store',
    'repositories: { r: { store: 7, password: x } }\n',
    ['f:1:29: repositories.r.store: must be a folder, a URL or { kind: … }'],
  ],
  [
    'a source without a kind',
    'sources:\n  s: { path: /srv }\n',
    [
      `f:2:3: sources.s: "kind" is missing: ${new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(sourceNames)}`,
    ],
  ],
  [
    'a name with a space',
    'sources:\n  my files: { kind: files, path: 7 }\n',
    [
      'f:2:3: sources."my files": a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most',
      'f:2:34: sources."my files".path: must be a text, not a number; a text that looks like one needs quotes',
    ],
  ],
  [
    'a source nobody knows',
    inJob('backup: [medai]\n    to: [offsite]'),
    ['f:8:14: jobs.extra.backup[0]: no source is called "medai"; did you mean "media"?'],
  ],
  [
    'a repository nobody knows',
    inJob('backup: [media]\n    to: [moon]'),
    ['f:9:10: jobs.extra.to[0]: no repository is called "moon"; repositories are offsite'],
  ],
  [
    'a source twice',
    inJob('backup: [media, media]\n    to: [offsite]'),
    ['f:8:21: jobs.extra.backup[1]: "media" is here twice'],
  ],
  [
    'a text for a list',
    inJob('backup: media\n    to: [offsite]'),
    ['f:8:13: jobs.extra.backup: must be a list, not a text; in brackets it is one: [ … ]'],
  ],
  ['an empty list', inJob('backup: []\n    to: [offsite]'), ['f:8:13: jobs.extra.backup: must not be empty']],
  ['a job without a target', inJob('backup: [media]'), ['f:7:3: jobs.extra: "to" is missing: a list']],
  [
    'a job with two verbs',
    inJob('backup: [media]\n    to: [offsite]\n    check: [offsite]'),
    ['f:10:5: jobs.extra.check: a job does one thing, and this one already has "backup"'],
  ],
  [
    'a job without a verb',
    inJob('to: [offsite]'),
    [
      'f:8:5: jobs.extra: does nothing: give it one of archive, backup, check, drill, export, mirror, receive, replicate',
    ],
  ],
  [
    'a job with a misspelt verb',
    inJob('bakup: [media]\n    to: [offsite]'),
    ['f:8:5: jobs.extra.bakup: unknown key; did you mean "backup"?'],
  ],
  ['a job that is nothing', inJob(''), ['f:7:3: jobs.extra: must be a mapping, not nothing']],
  [
    'a key of another verb',
    inJob('check: [offsite]\n    to: [offsite]'),
    [
      'f:9:5: jobs.extra.to: unknown key; the keys here are check, readData, schedule, hooks, overlap, timeLimit, notify',
    ],
  ],
  [
    'a share that is none',
    inJob('check: [offsite]\n    readData: 120%'),
    ['f:9:15: jobs.extra.readData: must be a share from "0%" to "100%"'],
  ],
  [
    'a variable that is not set',
    `catalog: "/x/\${NOPE}/y"\n`,
    ['f:1:14: catalog: the environment variable NOPE is not set'],
  ],
  [
    'a variable that is not set, where nothing would be a mistake too',
    `repositories: { r: { store: /x, password: "\${NOPE}" } }\n`,
    ['f:1:44: repositories.r.password: the environment variable NOPE is not set'],
  ],
  [
    'a variable that is not set, in a list',
    inSource(`path: /srv\n    exclude:\n      - a\n      - \${NOPE}`),
    ['f:7:9: sources.s.exclude[1]: the environment variable NOPE is not set'],
  ],
  [
    'an unknown key of a source that is like none, whose names another kind does not share',
    inSource('path: /srv\n    banana: 1'),
    [
      'f:5:5: sources.s.banana: unknown key; the keys here are kind, path, paths, exclude, iexclude, excludeFile, iexcludeFile, excludeIfPresent, excludeCaches, excludeLargerThan, oneFileSystem, fsSnapshot, readFrom, ignoreInode, ignoreCtime, withAtime, xattrs, sparse, overwrite',
    ],
  ],
  [
    'a dollar that begins nothing',
    `catalog: \${NO PE}\n`,
    [`f:1:10: catalog: here begins no variable: write \${NAME}, or $$ for a dollar`],
  ],
  [
    'a limit of time that is none',
    inJob('backup: [media]\n    to: [offsite]\n    timeLimit: forever'),
    ['f:10:16: jobs.extra.timeLimit: must be a length of time such as "90s", "15m", "1h30m" or "2d"'],
  ],
];

for (const [name, text, expected] of cases)
  test(`${name} is reported where it is`, () => assert.deepEqual(mistakesIn(text), expected));

test('all mistakes of a file are reported at once, in the order of its lines', () => {
  const text = `\
jobs:
  nightly: { backup: [shop], to: [ofsite], keep: {} }
repositories:
  offsite: { store: { kind: local }, password: { file: /key }, compression: 9 }
sources:
  my files: { kind: file }
katalog: x
`;
  assert.deepEqual(mistakesIn(text), [
    'f:2:23: jobs.nightly.backup[0]: no source is called "shop"; sources are my files',
    'f:2:35: jobs.nightly.to[0]: no repository is called "ofsite"; did you mean "offsite"?',
    'f:2:50: jobs.nightly.keep: needs at least one rule, such as { daily: 7 }; without "keep", everything is kept',
    'f:4:14: repositories.offsite.store: "path" is missing: a text',
    'f:4:77: repositories.offsite.compression: must be one of off, fast, default, max, not a number',
    'f:6:3: sources."my files": a name begins with a letter or digit and holds only letters, digits, ".", "_" and "-", 200 at most',
    `f:6:21: sources."my files".kind: must be one of ${sourceNames.join(', ')}, not "file"; did you mean "files"?`,
    'f:7:1: katalog: unknown key; did you mean "catalog"?',
  ]);
});

test('a mistake in what an anchor shares is reported where it is written', () => {
  const text = `\
sources:
  a: &shared
    kind: files
    path: /srv
    exlude: [x]
  b:
    <<: *shared
    path: 7
`;
  assert.deepEqual(mistakesIn(text), [
    'f:5:5: sources.a.exlude: unknown key; did you mean "exclude"?',
    'f:8:11: sources.b.path: must be a text, not a number; a text that looks like one needs quotes',
  ]);
});

test('what is nested too deeply is said to be, and not what breaks', () => {
  const [mistake, more] = mistakesIn(`a: ${'['.repeat(20_000)}\n`);
  assert.match(mistake ?? '', /^f:1:\d+: it is nested too deeply$/);
  assert.equal(more, undefined);
});

test('nothing that could be a secret is repeated in a message', () => {
  const secret = 'hunter2';
  const texts = [
    '!hunter2',
    '*hunter2',
    '"a" hunter2',
    '{ hunter2',
    `\${hunter2 x`,
    '[hunter2]',
    '{ file: [hunter2] }',
    '@hunter2',
    "'hunter2",
  ];
  for (const text of texts) {
    const mistakes = mistakesIn(inRepository(`password: ${text}`));
    assert.ok(mistakes.length > 0, text);
    assert.equal(mistakes.join().includes(secret), false, mistakes.join());
  }
});

test('of very many names only some are listed', () => {
  const sources = Array.from({ length: 40 }, (_, at) => `  s${at}: { kind: files, path: /${at} }\n`).join('');
  const [mistake] = mistakesIn(`sources:\n${sources}jobs:\n  j: { backup: [elephant], to: [] }\n`).filter(
    (text) => text.includes('elephant'),
  );
  assert.match(mistake ?? 'none', / sources are s0, s1, .*, s29 and 10 more$/);
});
