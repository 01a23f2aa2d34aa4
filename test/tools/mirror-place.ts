// A mirror job with all that it needs: files, a database that lists them, and an SFTP server that gets the copies.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdfast, type Outcome } from '../../src/cli/testing.ts';
import { isTemporaryName } from '../../src/stores/temporary-name.ts';
import { type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { type SshServer, startSshd } from '../servers/sshd.ts';
import { jsonLines, startCli } from './cli.ts';
import { type MirrorFixture, makeMirrorFiles } from './mirror-files.ts';

export interface MirrorPlace extends AsyncDisposable {
  readonly files: MirrorFixture;
  readonly postgres: PostgresServer;
  readonly ssh: SshServer;
  readonly env: Readonly<Record<string, string>>;
  /** A file of the source, and one of the copies. */
  source(path: string): string;
  copy(path: string): string;
  run(words: string): Promise<Outcome>;
  /** Runs it and answers how many files succeeded, failed and were passed over. */
  counts(words: string, status: number): Promise<readonly number[]>;
  /** Starts a run, kills it when so many copies are there, and waits for its end. */
  killAt(copies: number): Promise<void>;
  /** The paths of each status, sorted. */
  statuses(): Promise<Record<'OK' | 'FAIL_READ' | 'FAIL_WRITE', string[]>>;
  /** The paths of the copies, sorted. */
  copies(): string[];
}

/** In a folder of the caller's, with so many files. */
export const openMirrorPlace = async (folder: string, count: number, seed: string): Promise<MirrorPlace> => {
  const at = (...parts: string[]): string => join(folder, ...parts);
  const [postgres, ssh] = await Promise.all([startPostgres(), startSshd()]);
  mkdirSync(at('home'), { recursive: true });
  const files = makeMirrorFiles(at('files'), count, seed);
  await postgres.psql('postgres', 'create database dataverse; create database backupdb');
  await postgres.psql('dataverse', files.sql);
  writeFileSync(at('password'), postgres.password, { mode: 0o600 });
  writeFileSync(at('holdfast.yaml'), configuration(at, postgres, ssh), { mode: 0o600 });
  const env = { HOLDFAST_CONFIG: at('holdfast.yaml'), HOME: at('home') };
  const run = (words: string): Promise<Outcome> => holdfast(words.split(' '), { env });
  const copyOf = (path: string): string => join(ssh.folder, 'copies', path);
  const copies = (): string[] =>
    existsSync(copyOf(''))
      ? readdirSync(copyOf(''), { recursive: true, encoding: 'utf8' })
          .filter((path) => !isTemporaryName(path) && statSync(copyOf(path)).isFile())
          .toSorted()
      : [];
  return {
    ...{ files, postgres, ssh, env, run, copies },
    source: (path) => at('files', path),
    copy: copyOf,
    async counts(words, status) {
      const outcome = await run(`${words} --json`);
      assert.equal(outcome.status, status, `${words}: ${outcome.stderr}`);
      const summary = jsonLines(outcome.stdout).findLast(({ message_type }) => message_type === 'summary');
      const [told] = (summary?.runs ?? []) as Record<string, number>[];
      return [told?.succeeded ?? -1, told?.failed ?? -1, told?.passed_over ?? -1];
    },
    async killAt(wanted) {
      const { process: child, result } = startCli(['mirror', 'copies'], { env, timeoutMs: 3_600_000 });
      while (copies().length < wanted) {
        assert.equal(child.exitCode, null, 'it was over too soon');
        await sleep(5);
      }
      child.kill('SIGKILL');
      await result;
      for (const path of copies()) assert.ok(readFileSync(copyOf(path)).equals(files.content(path)), path);
    },
    async statuses() {
      const { stdout } = await run('mirror --statuses copies');
      const lines = stdout.trimEnd().split('\r\n').slice(1);
      const found = lines.map((line) => line.split(',') as [string, string, string, string]);
      const of = (wanted: string): string[] =>
        found.flatMap(([, , path, status]) => (status === wanted ? [path] : [])).toSorted();
      return { OK: of('OK'), FAIL_READ: of('FAIL_READ'), FAIL_WRITE: of('FAIL_WRITE') };
    },
    async [Symbol.asyncDispose]() {
      await postgres[Symbol.asyncDispose]();
      await ssh[Symbol.asyncDispose]();
    },
  };
};

const configuration = (at: (name: string) => string, postgres: PostgresServer, ssh: SshServer): string => {
  const { port, user } = postgres;
  const source = (database: string): string =>
    `{ kind: postgres, host: 127.0.0.1, port: ${port}, user: ${user}, database: ${database}, password: { file: ${at('password')} } }`;
  const login = `host: 127.0.0.1, port: ${ssh.port}, user: ${ssh.user}, privateKey: ${ssh.key}, knownHosts: ${ssh.knownHosts}, sshConfig: none`;
  return `
sources:
  dataverse: ${source('dataverse')}
  backupdb: ${source('backupdb')}
jobs:
  copies:
    mirror: ${at('files')}
    listedBy: { source: dataverse, query: "select * from listed order by path; " }
    to: { kind: sftp, path: ${ssh.path}/copies, ${login} }
    statusTable: backupdb
catalog: ${at('catalog.db')}
`;
};

/**
 * The story that mirrors are held to: 1 % of the files cannot be read, 1 % are not what their checksum says, and the first run is
 * killed in the middle. Then every status is right, and all is copied that can be as soon as it can.
 */
export const mirrorStory = async ({
  files,
  counts,
  killAt,
  statuses,
  copies,
}: MirrorPlace): Promise<void> => {
  const bad = [...files.missing, ...files.damaged].toSorted();
  await killAt(Math.round((2 * files.count) / 3));
  const [again = 0, failed = 0] = await counts('mirror copies', 3);
  assert.ok(again < files.good.length, 'everything was copied again');
  assert.ok(failed <= bad.length);
  assert.deepEqual(await statuses(), { OK: files.good, FAIL_READ: bad, FAIL_WRITE: [] });
  assert.deepEqual(copies(), files.good);
  const [lost = '', ...found] = bad;
  for (const path of found) files.repair(path);
  assert.deepEqual(await counts('mirror --rerun copies', 3), [found.length, 1, files.good.length]);
  assert.deepEqual((await statuses()).FAIL_READ, [lost]);
  files.repair(lost);
  assert.deepEqual(await counts('mirror --rerun copies', 0), [1, 0, files.count - 1]);
  assert.deepEqual(await counts('mirror --verify copies', 0), [files.count, 0, 0]);
};
