// A server process of a test: its output in a file, gone with the test's process, ready when its port answers.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer, type ListenOptions, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { program } from './programs.ts';

export interface ServerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it printed so far. */
  output(): string;
}

export interface ServerOptions {
  /** A name for its output's file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Where its output goes and where it works. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who it runs as when the tests run as root. */
  readonly user?: string;
  /** The signal that ends it in order; SIGTERM unless told. */
  readonly stopSignal?: NodeJS.Signals;
}

/** Starts it; `whenReady` then waits for its port. */
export const startProcess = (options: ServerOptions): ServerProcess => {
  const log = join(options.folder, `${options.name}.log`);
  // Its own file: a pipe that a server's children inherit would keep the reader waiting.
  const output = openSync(log, 'a');
  const user = process.getuid?.() === 0 ? options.user : undefined;
  const identity = user === undefined ? [] : ['--reuid', user, '--regid', user, '--init-groups'];
  const child = spawn(
    program('setpriv'),
    [...identity, '--pdeathsig', 'KILL', options.command, ...options.args],
    {
      cwd: options.folder,
      env: { PATH: process.env.PATH, HOME: options.folder, LC_ALL: 'C.UTF-8', ...options.env },
      stdio: ['ignore', output, output],
    },
  );
  closeSync(output);
  return {
    child,
    output: () => readFileSync(log, 'utf8'),
    [Symbol.asyncDispose]: () => stop(child, options.stopSignal ?? 'SIGTERM', log),
  };
};

/** Resolves when the probe succeeds; fails with the server's output when it ended or took too long. */
export const whenReady = async (
  server: ServerProcess,
  probe: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> => {
  for (const started = Date.now(); !(await probe().catch(() => false)); await wait(25)) {
    const ended = server.child.exitCode !== null || server.child.signalCode !== null;
    if (ended || Date.now() - started > timeoutMs)
      throw new Error(
        `${server.child.spawnargs.join(' ')} ${ended ? 'ended' : 'is not ready'}:\n${server.output()}`,
      );
  }
};

/** True when something listens on the port of the loopback. */
export const portAnswers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });

/**
 * A port of the loopback that nothing uses right now, that no connection gets for its own end before a server has it, and that is told to
 * nobody else as long as this process lives.
 */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(15_000, 32_768); // below what systems choose from by themselves
    const claim = await listening({ path: `\0holdfast-test-port-${port}` }); // gone with this process, as no file is
    if (!claim) continue;
    claim.unref();
    const server = await listening({ port, host: '127.0.0.1' });
    if (!server) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port');
};

/** Undefined when others have the place. */
const listening = async (place: ListenOptions): Promise<Server | undefined> => {
  const server = createServer().listen(place);
  return await once(server, 'listening').then(
    () => server,
    () => undefined,
  );
};

/** Fails with the last that it printed when it had ended by itself. */
const stop = async (child: ChildProcess, signal: NodeJS.Signals, log: string): Promise<void> => {
  if (child.pid === undefined) return;
  if (child.exitCode !== null || child.signalCode !== null) {
    if (child.killed) return;
    const how = child.signalCode ?? `status ${child.exitCode}`;
    const last = readFileSync(log, 'utf8').slice(-4000);
    throw new Error(`${child.spawnargs.join(' ')} had ended by itself (${how}):\n${last}`);
  }
  const closed = once(child, 'close');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await closed;
  clearTimeout(late);
};
