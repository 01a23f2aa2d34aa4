// A repository on restic's REST server, through the command line: kept, judged by restic over the same server, thinned out, brought
// back; an append-only server; and what happens when the server fails.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { seededRandom } from '#lib/random.ts';
import { jumpingClock } from '#lib/testing.ts';
import { neverFires } from '#repository/testing.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type RestServer, skipWithoutRestServer, startRestServer } from './servers/rest-server.ts';
import { randomBytes } from './tools/random.ts';
import { hastenKey } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { slowLine } from './tools/slow-line.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithoutRestServer() ?? skipWithoutRestic();
const folder = temporaryFolder('rest-server');
const at = (...parts: string[]): string => join(folder, ...parts);
const password = 'correct horse';
const photo = randomBytes(seededRandom('photo'), 3_000_000);

interface RunOptions {
  readonly word?: string;
  readonly hurry?: boolean;
  readonly signal?: AbortSignal;
}

suite('a repository on a REST server', { skip: skip ?? false }, () => {
  let server: RestServer;
  let careful: RestServer;

  before(async () => {
    server = await startRestServer();
    careful = await startRestServer({ appendOnly: true, folder: server.folder });
    mkdirSync(at('media', 'deep'), { recursive: true });
    writeFileSync(at('media', 'deep', 'photo.jpg'), photo);
    writeFileSync(at('media', 'menu.txt'), 'soup of the day');
    await done(`-r ${place(server)} init`);
    await hastenKey(join(server.folder, 'shop'), password);
    await done(`-r ${place(server)} backup ${at('media')}`);
  });
  after(async () => {
    await careful?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** A repository of that name as restic writes it, password and all. */
  const place = ({ url, user, password: word }: RestServer, name = 'shop'): string =>
    `rest:${url.replace('://', `://${user}:${word}@`)}${name}/`;

  /** With `hurry` nobody waits before trying again. What it prints never has the server's password. */
  const run = async (
    line: string,
    { word = password, hurry = false, signal = neverFires }: RunOptions = {},
  ): Promise<Outcome> => {
    const outcome = await holdfast(line.split(' '), {
      env: {
        HOLDFAST_PASSWORD: word,
        HOLDFAST_CATALOG: at('catalog.db'),
        HOLDFAST_CONFIG: '',
        HOME: at('home'),
      },
      clock: hurry ? jumpingClock(new Date()) : systemClock,
      signal,
    });
    assert.ok(!(outcome.stdout + outcome.stderr).includes(server.password), line);
    return outcome;
  };
  const done = async (line: string): Promise<string> => {
    const { status, stdout, stderr } = await run(line);
    assert.equal(status, 0, `${line}: ${stderr}`);
    assert.doesNotMatch(stderr.replace(/^the password in .*\nhint: .*\n/m, ''), /\S/, line);
    return stdout;
  };
  const fails = async (line: string, status: number, ...said: readonly RegExp[]): Promise<void> => {
    const outcome = await run(line, { hurry: true });
    assert.equal(outcome.status, status, outcome.stderr);
    for (const pattern of said) assert.match(outcome.stderr, pattern);
  };
  const restic = async (line: string, repository = place(server)): Promise<string> => {
    const { new: binary } = await resticBinaries();
    return String((await runRestic(binary, line.split(' '), { repository, password })).stdout);
  };
  const snapshots = (): number => readdirSync(join(server.folder, 'shop', 'snapshots')).length;
  const packs = (): number =>
    readdirSync(join(server.folder, 'shop', 'data'), { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    ).length;

  test('is whole for restic over the same server, and comes back as it was', async () => {
    assert.match(await restic('check --read-data'), /no errors were found/);
    await done(`-r ${place(server)} restore latest --to ${at('back')}`);
    assert.ok(readFileSync(at('back', 'deep', 'photo.jpg')).equals(photo));
  });

  test('may be one that restic made, and restic goes on with it', async () => {
    const theirs = place(server, 'theirs/deep');
    await restic('init', theirs);
    await restic(`backup ${at('media')}`, theirs);
    await done(`-r ${theirs} backup ${at('media')}`);
    assert.match(await done(`-r ${theirs} check --read-data`), /no problem found \(2 snapshots/);
    assert.match(await restic('check --read-data', theirs), /no errors were found/);
  });

  test('is thinned out, and what nobody uses is gone', async () => {
    writeFileSync(at('media', 'film.mp4'), randomBytes(seededRandom('film'), 2_000_000));
    await done(`-r ${place(server)} backup ${at('media')} --tag passing`);
    writeFileSync(at('media', 'film.mp4'), 'nothing');
    await done(`-r ${place(server)} backup ${at('media')}`);
    const before = packs();
    await done(`-r ${place(server)} forget --keep-last 1 --prune`);
    assert.equal(snapshots(), 1);
    assert.ok(packs() < before);
    assert.match(await restic('check --read-data'), /no errors were found/);
  });

  test('that is not there is status 10, one whose password is another 12, a server that lets nobody in 14', async () => {
    await fails(`-r ${place(server, 'nothing')} snapshots`, 10, /there is no repository at rest:http/);
    const { status } = await run(`-r ${place(server)} snapshots`, { word: 'wrong' });
    assert.equal(status, 12);
    const stranger = place(server).replace(server.password, 'wr0ng-one');
    await fails(`-r ${stranger} snapshots`, 14, /status 401/, /check the user and the password/);
  });

  test('on an append-only server takes backups and lets locks go; prune says at once why it cannot', async () => {
    const before = snapshots();
    await done(`-r ${place(careful)} backup ${at('media')}`);
    assert.equal(snapshots(), before + 1);
    assert.deepEqual(readdirSync(join(server.folder, 'shop', 'locks')), []);
    await fails(`-r ${place(careful)} forget --keep-last 1`, 14, /append-only: backups go on/);
    writeFileSync(at('media', 'film.mp4'), randomBytes(seededRandom('remake'), 2_000_000));
    await done(`-r ${place(server)} backup ${at('media')}`);
    await done(`-r ${place(server)} forget --keep-last 1`);
    writeFileSync(at('media', 'film.mp4'), 'nothing');
    await done(`-r ${place(server)} backup ${at('media')}`);
    await done(`-r ${place(server)} forget --keep-last 1`);
    const stored = packs();
    await fails(`-r ${place(careful)} prune`, 14, /nothing was pruned: .*status 403/, /append-only/);
    assert.equal(packs(), stored);
    assert.match(await done(`-r ${place(careful)} unlock`), /0|no lock/);
    await done(`-r ${join(server.folder, 'shop')} prune`);
    assert.ok(packs() < stored);
    assert.match(await restic('check --read-data'), /no errors were found/);
  });

  test('outlives a line that breaks in the middle of a backup, which is made again', async () => {
    await using line = await slowLine(server.port, 0);
    writeFileSync(at('media', 'song.ogg'), randomBytes(seededRandom('song'), 4_000_000));
    line.breakAfter(2_000_000);
    const through = place({ ...server, url: `http://127.0.0.1:${line.port}/` });
    const { status, stderr } = await run(`-r ${through} backup ${at('media')}`);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /trying again/);
  });

  test('loses nothing when the server goes away in the middle and stays away', async () => {
    await using line = await slowLine(server.port, 0);
    writeFileSync(at('media', 'talk.ogg'), randomBytes(seededRandom('talk'), 4_000_000));
    line.breakAfter(2_000_000, { forGood: true });
    const before = snapshots();
    const through = place({ ...server, url: `http://127.0.0.1:${line.port}/` });
    await fails(`-r ${through} backup ${at('media')}`, 14, /hint: /);
    await done(`-r ${place(server)} unlock --remove-all`);
    await done(`-r ${place(server)} backup ${at('media')}`);
    assert.equal(snapshots(), before + 1);
    assert.match(await restic('check --read-data'), /no errors were found/);
  });

  test('that takes packs and answers no more is not waited for by who cancels: the lock goes, and the next run goes on', async () => {
    const cancel = new AbortController();
    let cancelledAt = Number.NEGATIVE_INFINITY;
    cancel.signal.addEventListener('abort', () => {
      cancelledAt = performance.now();
    });
    await using proxy = createServer((asked, answer) => {
      const { method, url: path = '', headers } = asked;
      if (method === 'POST' && path.startsWith('/shop/data/')) return cancel.abort();
      const onwards = request({ port: server.port, method, path, headers }, (answered) => {
        answered.pipe(answer.writeHead(answered.statusCode ?? 500, answered.headers));
      });
      asked.pipe(onwards);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as AddressInfo;
    const through = place({ ...server, url: `http://127.0.0.1:${port}/` });
    writeFileSync(at('media', 'play.ogg'), randomBytes(seededRandom('play'), 4_000_000));
    const { status, stderr } = await run(`-r ${through} backup ${at('media')}`, { signal: cancel.signal });
    assert.equal(status, 130, stderr);
    assert.ok(performance.now() - cancelledAt < 15_000);
    assert.deepEqual(readdirSync(join(server.folder, 'shop', 'locks')), []);
    proxy.closeAllConnections();
    await done(`-r ${place(server)} backup ${at('media')}`);
  });

  test('is not touched by store verify, which holds the server against what packs need', async () => {
    const before = packs();
    assert.match(await done(`store verify ${place(server)}`), /keeps all \d+ promises/);
    assert.equal(packs(), before);
    await fails(`store verify ${place(careful)}`, 1, /what is stored can be removed again/, /append-only/);
    await done(`-r ${place(server)} prune`);
    assert.equal(packs(), before);
  });

  test('leaves its server’s password neither in the catalog nor in the cache', () => {
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true }))
      if (file.isFile() && !file.parentPath.startsWith(at('media')))
        assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(server.password), file.name);
  });

  test('is what jobs may have there, and no archives, which the configuration says', async () => {
    const { url, user, ca } = server;
    const store = { kind: 'rest', url: `${url}shop`, user, password: { file: at('rest.password') }, ca };
    writeFileSync(at('rest.password'), server.password, { mode: 0o600 });
    writeFileSync(at('password'), password, { mode: 0o600 });
    const config = (jobs: Record<string, unknown>): string => {
      const repositories = { shop: { store, password: { file: at('password') } } };
      const sources = { media: { kind: 'files', path: at('media') } };
      writeFileSync(at('holdfast.yaml'), JSON.stringify({ repositories, sources, jobs }), { mode: 0o600 });
      return at('holdfast.yaml');
    };
    const nightly = config({ nightly: { backup: ['media'], to: ['shop'], keep: { last: 2 } } });
    await done(`--config ${nightly} run nightly`);
    assert.match(await done(`--config ${nightly} doctor`), /can be written and read/);
    const plain = config({ plain: { archive: ['media'], to: [store] } });
    await fails(`--config ${plain} run plain`, 2, /keeps repositories and no plain files/);
    await fails(
      `restore --archive ${place(server)}a.tar.gz --to ${at('x')}`,
      2,
      /repositories and no archives/,
    );
  });
});
