// Many sites seen from one place, none of which can read another: through the command line alone.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type Clock, systemClock } from '../src/lib/clock.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('console');
const at = (...parts: string[]): string => join(folder, ...parts);
const later = (hours: number): Clock => ({
  ...systemClock,
  now: () => new Date(Date.now() + hours * 3_600_000),
});
/** A site and the console each have a catalog and a file of their own. */
const run = (who: string, line: string, clock: Clock = systemClock): Promise<Outcome> =>
  holdfast(line.split(' '), {
    env: { HOLDFAST_CATALOG: at(who, 'catalog.db'), HOLDFAST_CONFIG: at(who, 'holdfast.yaml'), HOME: at('home') },
    clock,
  });
const write = (who: string, config: object): void => {
  mkdirSync(at(who), { recursive: true });
  writeFileSync(at(who, 'holdfast.yaml'), JSON.stringify(config), { mode: 0o600 });
};
const bulletinsOf = (site: string): string[] => readdirSync(at('bulletins', site)).toSorted();
let siteConfig: (site: string, source: object) => Record<string, object | string>;

before(async () => {
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  siteConfig = (site, source) => ({
    site,
    repositories: { nearby: { store: at(site, 'store'), password: 'correct-horse' } },
    sources: { data: source },
    jobs: { nightly: { backup: ['data'], to: ['nearby'] } },
    bulletins: { to: at('bulletins'), for: recipient },
  });
  mkdirSync(at('console'));
  writeFileSync(at('console.key'), `${identity}\n`, { mode: 0o600 });
  write('console', {
    console: { bulletins: at('bulletins'), identity: { file: at('console.key') }, sites: ['north', 'south'] },
  });
  mkdirSync(at('files'));
  writeFileSync(at('files', 'a.txt'), 'a file');
  write('north', siteConfig('north', { kind: 'files', path: at('files') }));
  write('south', siteConfig('south', { kind: 'sqlite', path: at('shop.db') }));
  using database = new DatabaseSync(at('shop.db'));
  database.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2)');
  for (const site of ['north', 'south']) await makeRepository(at(site, 'store'), 'correct-horse');
});

test('sites that there must be are missed until they have told something', async () => {
  const { status, stdout } = await run('console', 'sites');
  assert.equal(status, 1);
  assert.match(stdout, /^north .*MISSING$/m);
  assert.match(stdout, /^south: has never told anything$/m);
});

test('each run tells how its site stands, and the console shows all of them', async () => {
  for (const site of ['north', 'south']) {
    const { status, stderr } = await run(site, 'run nightly');
    assert.deepEqual([status, stderr], [0, '']);
  }
  const { status, stdout, stderr } = await run('console', 'sites');
  assert.equal(stderr, '');
  assert.match(stdout, /^north +just now +\S+ +\S+ +1 job +data, just now +well$/m);
  assert.match(stdout, /^south .* well$/m);
  assert.match(stdout, /all is well\n$/);
  assert.equal(status, 0);
});
