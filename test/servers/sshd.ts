// A private OpenSSH server whose user may do nothing but SFTP below a folder, as careful administrators set it up, or has a shell.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, portAnswers, startProcess, whenReady } from './process.ts';
import { program, skipWithout } from './programs.ts';

export interface SshServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Files of private keys: one that is let in, the same protected by `passphrase`, and one that is not let in. */
  readonly key: string;
  readonly encryptedKey: string;
  readonly passphrase: string;
  readonly strangerKey: string;
  /** A known_hosts file with this server in it. */
  readonly knownHosts: string;
  /** The server's key as it stands in known_hosts: 'ssh-ed25519 AAAA…'. */
  readonly hostKey: string;
  /** The folder as the user sees it, and as the machine does. */
  readonly path: string;
  readonly folder: string;
  /** A place for the test's own files (configuration of the client, other known_hosts). */
  readonly scratch: string;
  /** Ends every connection that is open now. */
  disconnectAll(): void;
}

/** Debian's own account for backups: it has no password and no shell, so nothing needs to be made. */
const account = 'backup';
/** The only one that has a shell on every machine. */
const accountWithShell = 'root';

export interface SshdOptions {
  /** Others are reached through it. */
  readonly forwarding?: boolean;
  /** Its user has a shell, and sees the whole machine. */
  readonly shell?: boolean;
  /** With a shell: where commands are looked for. */
  readonly commandPath?: string;
  /** New keys are agreed on after so much: '1M'. */
  readonly rekeyLimit?: string;
  /** With a shell: the command that serves SFTP instead of the server's own. */
  readonly sftpCommand?: string;
}

/** Why no such server can be started here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutSshd = (): string | undefined =>
  skipWithout('sshd') ??
  (process.getuid?.() === 0 ? undefined : 'needs root to start a chrooted SFTP server');

/** Starts it on a free port; the caller disposes of it. */
export const startSshd = async (options: SshdOptions = {}): Promise<SshServer> => {
  // sshd wants a chroot below folders that only root can write to, which /tmp is not.
  const base = mkdtempSync('/var/lib/holdfast-sshd-');
  chmodSync(base, 0o755);
  const folder = join(base, 'chroot', 'data');
  mkdirSync(folder, { recursive: true });
  const [uid, gid] = accountIds();
  chownSync(folder, uid, gid);
  const keys = makeKeys(base);
  const port = await freePort();
  writeFileSync(join(base, 'sshd_config'), configuration(base, port, options));
  mkdirSync('/run/sshd', { recursive: true });
  const args = ['-D', '-e', '-f', join(base, 'sshd_config')];
  const server = startProcess({ name: 'sshd', command: program('sshd'), args, folder: base });
  await whenReady(server, () => portAnswers(port));
  const hostKey = publicKey(join(base, 'host'));
  const knownHosts = join(base, 'known_hosts');
  writeFileSync(knownHosts, `[127.0.0.1]:${port} ${hostKey}\n`);
  return {
    host: '127.0.0.1',
    port,
    user: options.shell ? accountWithShell : account,
    ...keys,
    knownHosts,
    hostKey,
    path: options.shell ? folder : '/data',
    folder,
    scratch: base,
    disconnectAll: () => endChildren(server.child.pid),
    async [Symbol.asyncDispose]() {
      endChildren(server.child.pid);
      await server[Symbol.asyncDispose]();
      rmSync(base, { recursive: true, force: true });
    },
  };
};

const accountIds = (): [number, number] => {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${account}:`));
  if (line === undefined) throw new Error(`there is no user ${account}`);
  return [Number(line.split(':')[2]), Number(line.split(':')[3])];
};

const makeKeys = (base: string) => {
  const passphrase = 'correct horse';
  const make = (name: string, secret = ''): string => {
    const path = join(base, name);
    execFileSync(program('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', secret, '-C', name, '-f', path]);
    return path;
  };
  const keys = {
    key: make('user'),
    encryptedKey: make('encrypted', passphrase),
    strangerKey: make('stranger'),
    passphrase,
  };
  make('host');
  writeFileSync(join(base, 'authorized'), `${publicKey(keys.key)}\n${publicKey(keys.encryptedKey)}\n`);
  return keys;
};

const publicKey = (path: string): string =>
  readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

const configuration = (base: string, port: number, options: SshdOptions): string =>
  [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${join(base, 'host')}`,
    'PidFile none',
    `AuthorizedKeysFile ${join(base, 'authorized')}`,
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    `RekeyLimit ${options.rekeyLimit ?? 'default'}`,
    `Subsystem sftp ${options.sftpCommand ?? 'internal-sftp'}`,
    // With this level bash reads no start files, which on some machines take seconds.
    `SetEnv SHLVL=2${options.commandPath === undefined ? '' : ` PATH=${options.commandPath}`}`,
    `Match User ${account}`,
    `  ChrootDirectory ${join(base, 'chroot')}`,
    '  ForceCommand internal-sftp -d /data',
    `  AllowTcpForwarding ${options.forwarding ? 'yes' : 'no'}`,
    '',
  ].join('\n');

/** sshd has one child a connection; ending it is what a broken line looks like to the client. */
const endChildren = (pid: number | undefined): void => {
  if (pid === undefined) return;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  for (const child of children === '' ? [] : children.split(' ')) killIfThere(Number(child));
};

/** It may end by itself in the same moment, and an error here would leave the server running. */
const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};
