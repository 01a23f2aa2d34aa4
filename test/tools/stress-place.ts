// Where the random driver works: a repository in a store, another one to copy from, sources that change, and the programs.
import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Random, seededRandom } from '#lib/random.ts';
import { testPassword, testRepository } from '#repository/testing.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { holdfast } from '../../src/cli/testing.ts';
import { startRestServer } from '../servers/rest-server.ts';
import { startSshd } from '../servers/sshd.ts';
import { type CliResult, type RunningCli, startCli, startProgram } from './cli.ts';
import { randomBytes } from './random.ts';
import { resticBinaries } from './restic.ts';

export type StressStore = 'local' | 'sftp' | 'rest';
/** Holdfast, and stock restic in its two versions. */
export type Tool = 'holdfast' | 'old' | 'new';

export interface StartOptions {
  readonly repository?: 'main' | 'other';
  readonly password?: string;
  /** Put into a file, which the words then name. */
  readonly newPassword?: string;
  /** Of Holdfast's clock; behind below 0. */
  readonly aheadMs?: number;
}

export interface StressPlace extends AsyncDisposable {
  /** Of everything but a repository that a server keeps elsewhere. */
  readonly folder: string;
  /** The repository's folder, as this machine sees it whatever the store. */
  readonly repository: string;
  readonly sources: readonly string[];
  at(...parts: string[]): string;
  start(tool: Tool, words: readonly string[], options?: StartOptions): RunningCli;
  /** To its end; Holdfast in this process, which is much quicker. */
  run(tool: Tool, words: readonly string[], options?: StartOptions): Promise<CliResult>;
}

/** What a file or a table of a source holds, by its path. */
export type Content = ReadonlyMap<string, string>;

const database = 'shop.db';
const shiftedClock = join(import.meta.dirname, 'shifted-clock.ts');
/** Long enough for a machine that does much else; whoever takes longer hangs. */
const patienceMs = 20 * 60_000;

/** Both repositories are there and empty, so are the sources. The caller disposes of the servers, and removes the folder. */
export const openStressPlace = async (kind: StressStore): Promise<StressPlace> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-stress-'));
  const at = (...parts: string[]): string => join(folder, ...parts);
  await using servers = new AsyncDisposableStack();
  const { repository, store, restic } = await openStore(kind, at, servers);
  for (const made of [repository, at('other')]) await testRepository(openLocalStore(made));
  execFileSync('chown', ['-R', `--reference=${join(repository, '..')}`, repository]);
  const place = (each: unknown) => ({ store: each, password: `\${STRESS_PASSWORD}` });
  const config = { repositories: { main: place(store), other: place(at('other')) } };
  writeFileSync(at('holdfast.yaml'), JSON.stringify(config), { mode: 0o600 });
  const binaries = await resticBinaries();
  const commandOf = (tool: Tool, words: readonly string[], options: StartOptions = {}) => {
    const { repository: which = 'main', password = testPassword, newPassword, aheadMs = 0 } = options;
    const env = {
      HOLDFAST_CONFIG: at('holdfast.yaml'),
      HOLDFAST_CATALOG: at('catalog.db'),
      XDG_CACHE_HOME: at('cache'),
      STRESS_PASSWORD: password,
      RESTIC_REPOSITORY: which === 'other' ? at('other') : restic.repository,
      RESTIC_PASSWORD: password,
      RESTIC_FROM_PASSWORD: testPassword,
      ...(aheadMs !== 0 && { CLOCK_AHEAD_MS: `${aheadMs}`, NODE_OPTIONS: `--import ${shiftedClock}` }),
    };
    if (newPassword !== undefined) writeFileSync(at(newPassword), newPassword);
    const first = tool === 'holdfast' ? ['-r', which] : ['--no-cache', ...restic.options];
    const last = newPassword === undefined ? [] : ['--new-password-file', at(newPassword)];
    return { args: [...first, ...words, ...last], env };
  };
  const start: StressPlace['start'] = (tool, words, options) => {
    const { args, env } = commandOf(tool, words, options);
    const how = { env, timeoutMs: patienceMs };
    return tool === 'holdfast' ? startCli(args, how) : startProgram(binaries[tool], args, how);
  };
  const run: StressPlace['run'] = async (tool, words, options) => {
    if (tool !== 'holdfast') return start(tool, words, options).result;
    const { args, env } = commandOf(tool, words, options);
    return { ...(await holdfast(args, { env })), signal: undefined };
  };
  const kept = servers.move();
  return {
    ...{ folder, repository, at, start, run },
    sources: ['data-0', 'data-1', 'data-2', database],
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
};

const openStore = async (
  kind: StressStore,
  at: (name: string) => string,
  servers: AsyncDisposableStack,
): Promise<{
  repository: string;
  store: unknown;
  restic: { repository: string; options: readonly string[] };
}> => {
  if (kind === 'sftp') {
    const { host, port, user, key, knownHosts, path, folder } = servers.use(await startSshd());
    const login = { host, port, user, privateKey: key, knownHosts, sshConfig: 'none' };
    const ssh = `ssh -p ${port} -i ${key} -o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes ${user}@${host} -s sftp`;
    const restic = {
      repository: `sftp:${user}@${host}:${path}/main`,
      options: ['-o', `sftp.command=${ssh}`],
    };
    return { repository: join(folder, 'main'), store: { kind, path: `${path}/main`, ...login }, restic };
  }
  const repository = join(at('stored'), 'main');
  if (kind === 'local') return { repository, store: repository, restic: { repository, options: [] } };
  const { user, password, port } = servers.use(await startRestServer({ folder: at('stored') }));
  const url = `rest:http://${user}:${password}@127.0.0.1:${port}/main/`;
  return { repository, store: url, restic: { repository: url, options: [] } };
};

/** The sources are others from now on; what each holds then. */
export const changeSources = (place: StressPlace, random: Random): ReadonlyMap<string, Content> => {
  for (const source of place.sources) {
    if (source === database) {
      using shop = new DatabaseSync(place.at(source));
      shop.exec('create table if not exists orders (id integer primary key, note text)');
      const insert = shop.prepare('insert into orders (note) values (?)');
      for (let row = random.integer(0, 40); row > 0; row -= 1) insert.run(`note ${random.next()}`);
      continue;
    }
    for (let file = random.integer(0, 8); file >= 0; file -= 1) {
      const path = place.at(source, `folder ${random.integer(0, 3)}`, `file ${random.integer(0, 9)}`);
      mkdirSync(join(path, '..'), { recursive: true });
      if (file > 0 && random.chance(0.15))
        rmSync(path, { force: true }); // a backup of nothing is suspicious
      else {
        const again = seededRandom(`content ${random.integer(0, 20)}`); // what was forgotten once is stored again
        writeFileSync(path, randomBytes(again, Math.ceil(2_500_000 * again.next() ** 5)));
      }
    }
  }
  return new Map(place.sources.map((source) => [source, contentOf(place.at(source), source)]));
};

/** Of a source, or of what was restored from it: restic puts a folder below all those that it lay in. */
const contentOf = (path: string, source: string): Content => {
  if (source === database) {
    using shop = new DatabaseSync(path, { readOnly: true });
    const rows = shop.prepare('select * from orders order by id').all();
    return new Map([['orders', hash('sha256', JSON.stringify(rows))]]);
  }
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return new Map(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      const below = file.slice(path.length + 1);
      const at = `/${below}`.lastIndexOf(`/${source}/`);
      return [at < 0 ? below : below.slice(at + source.length + 1), hash('sha256', readFileSync(file))];
    }),
  );
};

/** How a snapshot is restored into a new folder, and, once that has ended, what came; the folder is gone then. */
export const restoring = (
  place: StressPlace,
  tool: Tool,
  { id, source }: { readonly id: string; readonly source: string },
): { readonly words: readonly string[]; take(result: CliResult): Content | undefined } => {
  const target = mkdtempSync(place.at('restored-'));
  const [path, kind] = source === database ? [join(target, database), 'sqlite:'] : [join(target, 'all'), ''];
  return {
    words: ['restore', id, ...(tool === 'holdfast' ? ['--to', `${kind}${path}`] : ['--target', path])],
    take({ status }) {
      // Of a database restic brings the files of a dump.
      const isComparable = status === 0 && (tool === 'holdfast' || source !== database);
      const content = isComparable ? contentOf(path, source) : undefined;
      rmSync(target, { recursive: true });
      return content;
    },
  };
};
