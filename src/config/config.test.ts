import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import { HoldfastError } from '#lib/errors.ts';
import { jobNamed, loadConfig, repositoryNamed, sourceNamed } from './config.ts';
import { findConfigFile } from './find-file.ts';
import { showConfig } from './show.ts';
import { loadText } from './testing.ts';

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
after(() => rmSync(scratch, { recursive: true }));

const refusal = async (work: () => unknown): Promise<HoldfastError> => {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof HoldfastError, String(error));
    return error;
  }
  return assert.fail('it was accepted');
};

const complete = `\
repositories:
  offsite:
    store: { kind: local, path: ~/backups }
    password: { command: [printf, 's3cret\\n'] }
    compression: max
  nearby: { store: local:/srv/backups, password: hunter2 }
sources:
  media: { kind: files, path: /srv/media, exclude: ["*.tmp"] }
jobs:
  nightly: { backup: [media], to: [offsite, nearby] }
  weekly: { check: [offsite], readData: 5% }
catalog: ~/catalog.db
`;

const to = [{ repository: 'offsite' }, { repository: 'nearby' }];

test('a file becomes repositories, sources and jobs that know their names', async () => {
  const config = await loadText(complete);
  const { offsite, nearby } = Object.fromEntries(config.repositories);
  assert.equal(offsite?.name, 'offsite');
  assert.deepEqual(offsite?.store.config, { path: `${homedir()}/backups` });
  assert.equal(offsite?.password.reveal(), 's3cret');
  assert.deepEqual([offsite?.compression, offsite?.verifyWrites], ['max', true]);
  assert.deepEqual([nearby?.store.kind, nearby?.store.config], ['local', { path: '/srv/backups' }]);
  assert.deepEqual([nearby?.compression, nearby?.password.reveal()], ['default', 'hunter2']);
  const media = config.sources.get('media');
  assert.deepEqual([media?.name, media?.kind], ['media', 'files']);
  assert.deepEqual(Object.fromEntries(config.jobs), {
    nightly: { name: 'nightly', verb: 'backup', backup: ['media'], to },
    weekly: { name: 'weekly', verb: 'check', check: ['offsite'], readData: '5%' },
  });
  assert.equal(config.catalog, `${homedir()}/catalog.db`);
});

test('a file with nothing but repositories is enough', async () => {
  const config = await loadText('repositories: { r: { store: /srv, password: x } }\n');
  assert.deepEqual([config.sources.size, config.jobs.size, config.catalog], [0, 0, undefined]);
});

test('variables are replaced in any text, with defaults, and are data and not YAML', async () => {
  const text = `\
repositories:
  r:
    store: "\${ROOT}/\${SITE:-main}\${EMPTY:-!}$$x$y"
    password: \${PASSWORD}
`;
  const env = { ROOT: '/srv/{ a: [1', PASSWORD: `*p: "#\n- \${ROOT}`, EMPTY: '' };
  const { store, password } = repositoryNamed(await loadText(text, env), 'r');
  assert.deepEqual(store.config, { path: '/srv/{ a: [1/main!$x$y' });
  assert.equal(password.reveal(), env.PASSWORD);
});

test('a variable in a shared anchor is replaced once', async () => {
  const text = `\
sources:
  a: &a { kind: files, path: "\${P}" }
  b: { <<: *a, excludeCaches: true }
`;
  const { sources } = await loadText(text, { P: `\${P}` });
  for (const { config } of sources.values()) assert.equal((config as { path: string }).path, `\${P}`);
});

test('all mistakes come as one error, a line each', async () => {
  const file = join(scratch, 'wrong.yaml');
  writeFileSync(file, 'katalog: x\njobs: 3\n');
  const error = await refusal(() => loadConfig(file, {}));
  assert.equal(error.code, 'CONFIG_INVALID');
  assert.equal(
    error.message,
    `2 mistakes in the configuration\n${file}:1:1: katalog: unknown key; did you mean "catalog"?\n${file}:2:7: jobs: must be a mapping, not a number`,
  );
  assert.match(error.hint ?? '', /docs\/configuration\.md/);
});

test('a file that is named but cannot be read is an error', async () => {
  const error = await refusal(() => loadConfig(join(scratch, 'none.yaml'), {}));
  assert.equal(error.code, 'CONFIG_INVALID');
  assert.match(error.message, /^cannot read the configuration: ENOENT.*none\.yaml/);
});

test('a file that is not UTF-8 is an error, for its texts would be others', async () => {
  const path = join(scratch, 'latin1.yaml');
  writeFileSync(path, Buffer.from(complete.replace('hunter2', 'pässword'), 'latin1'));
  const { code, message, hint = '' } = await refusal(() => loadConfig(path));
  assert.equal(code, 'CONFIG_INVALID');
  assert.equal(message, `${path} is not a text in UTF-8`);
  assert.match(hint, /save it as UTF-8/);
});

test('the file is looked for where it is named, then here, then in the user’s folder', async () => {
  const previous = process.cwd();
  const home = join(scratch, 'home');
  mkdirSync(join(home, '.config', 'holdfast'), { recursive: true });
  mkdirSync(join(scratch, 'xdg', 'holdfast'), { recursive: true });
  mkdirSync(join(scratch, 'here'));
  try {
    process.chdir(join(scratch, 'here'));
    const env = { HOME: home };
    const inHome = join(home, '.config', 'holdfast', 'holdfast.yaml');
    writeFileSync(inHome, '');
    assert.equal(findConfigFile(undefined, env), inHome);
    const inXdg = join(scratch, 'xdg', 'holdfast', 'holdfast.yaml');
    writeFileSync(inXdg, '');
    assert.equal(findConfigFile(undefined, { ...env, XDG_CONFIG_HOME: join(scratch, 'xdg') }), inXdg);
    writeFileSync('holdfast.yaml', '');
    assert.equal(findConfigFile(undefined, env), 'holdfast.yaml');
    assert.equal(findConfigFile(undefined, { ...env, HOLDFAST_CONFIG: '/from/env' }), '/from/env');
    assert.equal(findConfigFile('/named', { ...env, HOLDFAST_CONFIG: '/from/env' }), '/named');
    assert.equal(findConfigFile('~/mine.yaml', env), join(homedir(), 'mine.yaml'));
  } finally {
    process.chdir(previous);
  }
});

test('without a file the error says where one may be', async () => {
  const previous = process.cwd();
  try {
    process.chdir(mkdtempSync(join(scratch, 'empty-')));
    const error = await refusal(() => loadConfig(undefined, { HOME: scratch, XDG_CONFIG_HOME: '/none' }));
    assert.equal(error.message, 'there is no configuration file');
    assert.match(error.hint ?? '', /holdfast\.yaml, \/none\/holdfast\/holdfast\.yaml, .*--config.* -r /);
  } finally {
    process.chdir(previous);
  }
});

const notRoot = process.getuid?.() !== 0 && 'only root can give a file to another user';
test('a file of another user in the current folder is taken only when it is named', {
  skip: notRoot,
}, async () => {
  const previous = process.cwd();
  try {
    process.chdir(mkdtempSync(join(scratch, 'strange-')));
    writeFileSync('holdfast.yaml', '');
    chownSync('holdfast.yaml', 12345, 12345);
    const error = await refusal(() => findConfigFile(undefined, {}));
    assert.equal(error.message, './holdfast.yaml belongs to another user (uid 12345)');
    assert.match(error.hint ?? '', /--config \.\/holdfast\.yaml/);
    assert.equal(findConfigFile('./holdfast.yaml', {}), './holdfast.yaml');
  } finally {
    process.chdir(previous);
  }
});

test('a name that the file does not have is answered with the nearest it has', async () => {
  const config = await loadText(complete);
  const about = async (work: () => unknown): Promise<unknown[]> => {
    const { code, message, hint } = await refusal(work);
    return [code, message.replace(config.file, 'f'), hint];
  };
  assert.deepEqual(await about(() => repositoryNamed(config, 'ofsite')), [
    'USAGE',
    'f has no repository called "ofsite"; did you mean "offsite"?',
    'it has offsite, nearby',
  ]);
  assert.deepEqual(await about(() => sourceNamed(config, 'x')), [
    'USAGE',
    'f has no source called "x"',
    'it has media',
  ]);
  assert.deepEqual(await about(() => jobNamed(config, 'nigthly')), [
    'USAGE',
    'f has no job called "nigthly"; did you mean "nightly"?',
    'it has nightly, weekly',
  ]);
});

test('what is shown reads as the same configuration, without its secrets', async () => {
  const config = await loadText(complete);
  const shown = showConfig(config);
  assert.doesNotMatch(shown, /hunter2|s3cret|printf/);
  const values = parse(shown);
  assert.deepEqual(values.repositories.nearby, {
    store: { kind: 'local', path: '/srv/backups' },
    password: '••••••',
    compression: 'default',
    verifyWrites: true,
  });
  assert.deepEqual(values.jobs, {
    nightly: { backup: ['media'], to },
    weekly: { check: ['offsite'], readData: '5%' },
  });
  assert.equal(values.sources.media.kind, 'files');
  assert.equal(showConfig(await loadText(shown)), shown);
});

test('a secret that others can read is warned about, wherever it is', async () => {
  const key = join(scratch, 'open.key');
  writeFileSync(key, 'x', { mode: 0o644 });
  const file = join(scratch, 'open.yaml');
  const withPassword = (password: string): void =>
    writeFileSync(file, `repositories: { r: { store: /srv, password: ${password} } }\n`);
  withPassword(`{ file: ${key} }`);
  chmodSync(file, 0o644);
  assert.deepEqual((await loadConfig(file, {})).warnings, [
    `${key} holds a secret and is open to other users (mode 0644): chmod 600 ${key}`,
  ]);
  withPassword('hunter2');
  assert.deepEqual((await loadConfig(file, {})).warnings, [
    `${file} holds a secret and is open to other users: chmod 600 ${file}`,
  ]);
  withPassword(`"\${KEY}"`);
  assert.deepEqual((await loadConfig(file, { KEY: 'hunter2' })).warnings, []);
  withPassword(`"\${KEY:-hunter2}"`);
  assert.equal((await loadConfig(file, {})).warnings.length, 1);
  chmodSync(file, 0o600);
  assert.deepEqual((await loadConfig(file, {})).warnings, []);
});

test('a job keeps by its own rules, or by those of one repository', async () => {
  const text = complete.replace(
    'to: [offsite, nearby]',
    'to: [offsite, { repository: nearby, keep: { last: unlimited } }], keep: { daily: 7, within: 1y6m, tag: ["a,b"] }',
  );
  const nightly = (await loadText(text)).jobs.get('nightly');
  assert.deepEqual(nightly?.verb === 'backup' && nightly.to, [
    { repository: 'offsite', keep: { daily: 7, within: '1y6m', tag: ['a,b'] } },
    { repository: 'nearby', keep: { last: 'unlimited' } },
  ]);
});

test('the site of the file is that of names which hold {site}, unless a job has its own', async () => {
  const { jobs } = await loadText(`site: north
sources: { media: { kind: files, path: /srv/media }, shop: { kind: sqlite, path: /srv/shop.db } }
jobs:
  files: { archive: [media], to: [/srv/a], name: "{site}_{yyyy}.tar" }
  own: { archive: [media], to: [/srv/b], name: "{site}_{yyyy}.tar", site: south }
  none: { archive: [media], to: [/srv/c] }
  rows: { export: [shop], tables: [{ table: orders, key: id }], to: /srv/d }
`);
  const sites = [...jobs.values()].map((job) => 'site' in job && job.site);
  assert.deepEqual(sites, ['north', 'south', false, 'north']);
});
