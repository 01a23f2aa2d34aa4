// Installed beside an older Node, Holdfast runs on the one among its own dependencies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { constants } from 'node:os';

/** The oldest Node that has all we need: zstd, explicit resource management, SQLite with an authorizer. */
const needed = { major: 24, minor: 15 };

export const nodeIsTooOld = (): boolean => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major < needed.major || (major === needed.major && minor < needed.minor);
};

/** Runs this same command line on the newer Node and returns its exit status. */
export const runOnNewerNode = async (): Promise<number> => {
  const node = newerNode();
  if (node === undefined) {
    process.stderr.write(
      `holdfast: needs Node ${needed.major}.${needed.minor} or newer, and this is ${process.version}\n`,
    );
    return 1;
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  // What was sent to both of us, as a terminal does, it takes for one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const [status, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return status ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]);
};

const newerNode = (): string | undefined => {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined; // an optional dependency that was left out
  }
};
