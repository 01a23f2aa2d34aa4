// Packages of Debian: installed on the machine, or unpacked from another suite into a folder of our own.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const run = async (program: string, args: readonly string[], cwd?: string): Promise<string> => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { stdout } = await execute(program, args, { maxBuffer: 64 * 1024 * 1024, env, cwd });
  return stdout;
};

/** Why packages cannot be installed here, or undefined when they can. */
export const cannotInstall = (): string | undefined => {
  if (!existsSync('/usr/bin/apt-get')) return 'this is not Debian';
  return process.getuid?.() === 0 ? undefined : 'not running as root';
};

/** Installs packages of the machine's own suite. */
export const installPackages = async (names: readonly string[]): Promise<void> => {
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await run('apt-get', [...wait, '-q', 'update']);
  await run('apt-get', [...wait, '-qy', 'install', '--no-install-recommends', ...names]);
};

/** Where packages come from that the machine's own suite lacks, or has only older versions of. */
const suite = 'sid';

/**
 * Unpacks packages of that suite, without what they depend on, into a folder; the machine's own packages stay as they are.
 * Only for programs whose libraries the machine has. The folder appears when it is complete.
 */
export const unpackPackages = (names: readonly string[], folder: string): Promise<void> =>
  whenComplete(folder, async (root, work) => {
    const options = await privateState(work);
    await run('apt-get', [...options, '-q', 'update']);
    const packages = join(work, 'packages');
    await mkdir(packages);
    await run('apt-get', [...options, '-q', 'download', ...names], packages);
    for (const file of await readdir(packages)) await run('dpkg', ['-x', join(packages, file), root]);
  });

/**
 * Unpacks packages of that suite and all they depend on into a folder that programs can be run in with chroot. No package's
 * own scripts run, so what these would have set up (links of update-alternatives, users) is left to the caller's `finish`,
 * which gets the root before the folder appears.
 */
export const unpackRoot = (
  names: readonly string[],
  folder: string,
  finish: (root: string) => Promise<void> = async () => {},
): Promise<void> =>
  whenComplete(folder, async (root, work) => {
    const options = [...(await privateState(work)), '-o', 'APT::Install-Recommends=false'];
    await run('apt-get', [...options, '-q', 'update']);
    await run('apt-get', [...options, '-qy', '--download-only', 'install', ...names, 'usr-is-merged-']);
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      await mkdir(join(root, 'usr', name), { recursive: true });
      await symlink(`usr/${name}`, join(root, name));
    }
    const archives = join(work, 'cache', 'archives');
    for (const file of await readdir(archives))
      if (file.endsWith('.deb')) await unpackInto(root, join(archives, file));
    await finish(root);
  });

/** Makes `root` in a folder for the work, and gives it its name; nothing is done where the folder is there. */
const whenComplete = async (
  folder: string,
  make: (root: string, work: string) => Promise<void>,
): Promise<void> => {
  if (existsSync(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const work = await mkdtemp(`${folder}-`);
  const root = join(work, 'root');
  try {
    await make(root, work);
    await rename(root, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another test was quicker
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** As dpkg -x does it, but following the links of a merged /usr. */
const unpackInto = async (root: string, archive: string): Promise<void> => {
  const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
  await run('bash', ['-o', 'pipefail', '-c', unpack, 'unpack', archive, root]);
};

/** Options that make apt-get look only at that suite and keep everything it learns in this folder. */
const privateState = async (work: string): Promise<string[]> => {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages'];
  const mirrors = (await run('apt-get', ['indextargets', ...format])).split('\n');
  const mirror = mirrors.find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Error('apt has no Debian mirror among its sources');
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    await mkdir(join(work, folder), { recursive: true });
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await writeFile(join(work, 'status'), '');
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::Check-Valid-Until': 'false', // a frozen mirror's index of sid is formally out of date
    'Acquire::Languages': 'none',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
};
