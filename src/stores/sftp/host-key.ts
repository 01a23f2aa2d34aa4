// Whether the server is the one it should be.
import { appendFile, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import {
  fingerprint,
  judgeHostKey,
  type KnownHost,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';

export interface HostKeyPolicy {
  /** The name in known_hosts. */
  readonly name: string;
  /** The first is the one that new hosts are added to. */
  readonly files: readonly string[];
  readonly acceptNew: boolean;
}

export interface HostKeys {
  /** What to ask the server for, the kinds of key it is known by first. */
  readonly algorithms: readonly string[];
  /** Throws STORE_DENIED unless the key is the host's; remembers it when the policy says so. */
  verify(key: Buffer): Promise<void>;
}

/** What is known of a host. */
export const readHostKeys = async (policy: HostKeyPolicy): Promise<HostKeys> => {
  const hosts = (await Promise.all(policy.files.map(readKnownHosts))).flat();
  return {
    algorithms: [...new Set([...knownKeyTypes(hosts, policy.name), ...keyTypes])]
      .filter((type) => keyTypes.includes(type))
      .flatMap(algorithmsFor),
    verify: (key) => verify(policy, hosts, key),
  };
};

export const hostKeyName = (hostname: string, port: number, alias: string | undefined): string =>
  alias ?? knownHostName(hostname, port);

const verify = async (policy: HostKeyPolicy, hosts: readonly KnownHost[], key: Buffer): Promise<void> => {
  const verdict = judgeHostKey(hosts, policy.name, key);
  const shown = fingerprint(key);
  const [file = '~/.ssh/known_hosts'] = policy.files;
  if (verdict === 'known') return;
  if (verdict === 'revoked')
    throw new HoldfastError('STORE_DENIED', `the key of ${policy.name} (${shown}) is marked as revoked`, {
      hint: 'somebody may be posing as the server: ask its administrator for its present key',
    });
  if (verdict === 'other')
    throw new HoldfastError(
      'STORE_DENIED',
      `${policy.name} shows another key (${shown}) than it is known by`,
      {
        hint: `somebody may be posing as the server; if its administrator confirms the new key, remove the old one: ssh-keygen -R '${policy.name}' -f ${file}`,
      },
    );
  if (!policy.acceptNew)
    throw new HoldfastError('STORE_DENIED', `${policy.name} is not a known host; its key is ${shown}`, {
      hint: `if its administrator confirms that key, add this line to ${file}: ${knownHostLine(policy.name, key)}`,
    });
  await remember(file, knownHostLine(policy.name, key));
};

const remember = async (file: string, line: string): Promise<void> => {
  makeFolder(dirname(file), 0o700);
  const before = await readFile(file, 'utf8').catch(() => ''); // it need not be there
  await appendFile(file, `${before === '' || before.endsWith('\n') ? '' : '\n'}${line}\n`, { mode: 0o600 });
};

const readKnownHosts = async (path: string): Promise<KnownHost[]> => {
  try {
    return parseKnownHosts(await readFile(path, 'utf8'));
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause) ?? '')) return [];
    throw new HoldfastError('CONFIG_INVALID', `cannot read ${path}`, { cause, hint: 'let Holdfast read it' });
  }
};

/** The kinds the library can verify. */
const keyTypes: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

/** An RSA key signs in several ways; the one with SHA-1 is not offered. */
const algorithmsFor = (type: string): string[] =>
  type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
