// PostgreSQL's own programs, for what only they know: the definition of everything in a database, and of a server's roles.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { connectionsHint, lostHint, standbyHint } from './server-error.ts';

const execute = promisify(execFile);

export interface PgDump {
  readonly path: string;
  /** 15. */
  readonly major: number;
}

/** The pg_dump to use for a server: of its own version, else the oldest newer one. UNSUPPORTED when there is none. */
export const findPgDump = async (serverMajor: number, configured?: string): Promise<PgDump> => {
  const found = configured === undefined ? await installed() : [await describe(configured)];
  const fit = found
    .filter(({ major }) => major >= serverMajor)
    .toSorted((a, b) => a.major - b.major)
    .at(0);
  if (fit) return fit;
  const newest = found.toSorted((a, b) => b.major - a.major).at(0);
  const have = newest ? `the newest found is version ${newest.major}, ${newest.path}` : 'none was found';
  throw new HoldfastError(
    'UNSUPPORTED',
    `a server of PostgreSQL ${serverMajor} needs pg_dump of version ${serverMajor} or newer; ${have}`,
    { hint: `install postgresql-client-${serverMajor}, or name a newer pg_dump with \`pgDump\`` },
  );
};

const installed = async (): Promise<PgDump[]> => {
  const paths = new Set(folders().map((folder) => join(folder, 'pg_dump')));
  const described = await Promise.all(
    [...paths].filter(isExecutable).map((path) => describe(path).catch(() => undefined)),
  );
  return described.filter((each) => each !== undefined);
};

/** Where the packages of Debian, of the PGDG and of macOS put the programs of each version, besides PATH. */
const folders = (): string[] => [
  ...(process.env.PATH ?? '').split(':').filter((folder) => folder !== ''),
  ...versions('/usr/lib/postgresql', /^\d+$/),
  ...versions('/usr', /^pgsql-\d+$/),
  ...versions('/opt/homebrew/opt', /^(libpq|postgresql@\d+)$/),
];

const versions = (root: string, pattern: RegExp): string[] => {
  try {
    return readdirSync(root)
      .filter((name) => pattern.test(name))
      .map((name) => join(root, name, 'bin'));
  } catch {
    return []; // not on this machine
  }
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const describe = async (path: string): Promise<PgDump> => {
  const { stdout } = await execute(path, ['--version']).catch((cause: unknown) => {
    throw new HoldfastError('UNSUPPORTED', `cannot run ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'check `pgDump`',
    });
  });
  const major = Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1]);
  if (Number.isInteger(major)) return { path, major };
  throw new HoldfastError('UNSUPPORTED', `${path} is not pg_dump: --version says "${stdout.trim()}"`, {
    hint: 'check `pgDump`',
  });
};

/** The program of the same version beside a pg_dump. */
export const besidePgDump = ({ path }: PgDump, name: string): string => join(dirname(path), name);

export interface ProgramRun {
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Called with each line of its warnings when it succeeds. */
  readonly onWarning: (line: string) => void;
}

const errorOutputBytes = 64 * 1024;

/** What a program prints, as it prints it. Throws what it says when it fails, and ends it when the reader stops. */
export async function* runProgram(run: ProgramRun): AsyncGenerator<Buffer> {
  throwIfCancelled(run.signal);
  const child = spawn(run.path, run.args, { env: run.environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => void child.kill('SIGKILL');
  run.signal.addEventListener('abort', stop, { once: true });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-errorOutputBytes);
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  closed.catch(() => {}); // awaited below
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [status] = await closed.catch((cause: unknown) => {
      throw new HoldfastError('UNSUPPORTED', `cannot run ${run.path}: ${messageOf(cause)}`, { cause });
    });
    throwIfCancelled(run.signal);
    if (status !== 0) throw programError(run.path, status, said);
    for (const line of said.split('\n')) if (line.trim() !== '') run.onWarning(line);
  } finally {
    run.signal.removeEventListener('abort', stop);
    stop();
    await closed.catch(() => {});
  }
}

const programError = (path: string, status: number | null, said: string): HoldfastError => {
  const lines = said
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  const message = lines.map((line) => line.replace(/^pg_dump(all)?: (error: )?/, '').trim()).join('; ');
  const how = status === null ? 'was killed' : `failed with status ${status}`;
  const shown = message.replace(/; detail: Query was: .{80,}/s, '') || 'it said nothing';
  const lost = losses.find(([pattern]) => pattern.test(message));
  const [, hint] = lost ?? hints.find(([pattern]) => pattern.test(message)) ?? [];
  return new HoldfastError(lost ? 'SOURCE_UNREACHABLE' : 'SOURCE_DENIED', `${path} ${how}: ${shown}`, {
    hint,
  });
};

/** Of a connection that could not be made or broke, as libpq and the server word it. */
const losses: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/too many clients|remaining connection slots|too many connections/, connectionsHint],
  [
    /server closed the connection|could not (receive|send) data|SSL SYSCALL|Connection (refused|reset|timed out)|terminating connection/,
    lostHint,
  ],
];

const hints: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /statement timeout.*LOCK TABLE/s, // which is how it limits the time that it waits
    'somebody waits to alter, empty or drop one of these tables, and pg_dump behind them; run again when that is done',
  ],
  [/conflict with recovery/, standbyHint],
  [/permission denied/, 'grant the role what docs/sources/postgres.md lists'],
  [
    /invalid snapshot identifier|snapshot "[^"]*" does not exist/,
    'the session that held the snapshot ended, or a balancer leads connections to several servers: name one of them',
  ],
];

/**
 * The output of pg_dump without psql's \restrict and \unrestrict, whose key is another in each run. Whoever restores with
 * psql can put them back with a key of their own.
 */
export async function* withoutRestrict(output: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let key: string | undefined;
  let carried = '';
  for await (const chunk of output) {
    const text = carried + chunk.toString('latin1');
    const end = text.lastIndexOf('\n') + 1;
    carried = text.slice(end);
    key ??= /^\\restrict ([A-Za-z0-9]+)$/m.exec(text.slice(0, end))?.[1];
    yield Buffer.from(stripKey(text.slice(0, end), key), 'latin1');
  }
  yield Buffer.from(stripKey(carried, key), 'latin1');
}

const stripKey = (text: string, key: string | undefined): string =>
  key === undefined ? text : text.replaceAll(new RegExp(`^\\\\(?:un)?restrict ${key}\\n?`, 'gm'), '');
