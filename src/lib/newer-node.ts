// Installed beside an older Node, Holdfast runs on the one among its own dependencies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';

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
  // A terminal sends Ctrl-C to both of us.
  const passedOn = ['SIGTERM', 'SIGHUP', ...(process.stdin.isTTY ? [] : ['SIGINT'])];
  for (const signal of passedOn) process.on(signal, () => child.kill(signal as NodeJS.Signals));
  process.on('SIGINT', () => {});
  const [status] = await once(child, 'exit');
  return typeof status === 'number' ? status : 1;
};

const newerNode = (): string | undefined => {
  try {
    return createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    return undefined; // an optional dependency that was left out
  }
};
