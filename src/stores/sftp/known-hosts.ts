// The known_hosts format of OpenSSH (sshd(8), «SSH_KNOWN_HOSTS FILE FORMAT»): which key a host is known by.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface KnownHost {
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** Patterns separated by commas, or one hashed name. */
  readonly hosts: string;
  readonly type: string;
  readonly key: Buffer;
}

/** 'other': the host is known, but by other keys. */
export type HostKeyVerdict = 'known' | 'unknown' | 'other' | 'revoked';

/** The lines that can be understood; others are skipped, as ssh does. */
export const parseKnownHosts = (text: string): KnownHost[] => text.split('\n').flatMap(parseLine);

/** The name a host has in the file: 'vault.example.net', '[vault.example.net]:2222'. */
export const knownHostName = (host: string, port: number): string =>
  port === 22 ? host : `[${host}]:${port}`;

/** Compares the key that a host shows with those it is known by. */
export const judgeHostKey = (hosts: readonly KnownHost[], name: string, key: Buffer): HostKeyVerdict => {
  const ofHost = hosts.filter((host) => matches(host.hosts, name));
  const same = ofHost.filter((host) => host.key.equals(key));
  if (same.some(({ marker }) => marker === 'revoked')) return 'revoked';
  if (same.some(({ marker }) => marker === undefined)) return 'known';
  return ofHost.some(({ marker }) => marker === undefined) ? 'other' : 'unknown';
};

/** The types of keys a host is known by, so that it can be asked for one of them. */
export const knownKeyTypes = (hosts: readonly KnownHost[], name: string): string[] => [
  ...new Set(
    hosts
      .filter(({ hosts: patterns, marker }) => marker === undefined && matches(patterns, name))
      .map(({ type }) => type),
  ),
];

/** 'SHA256:…' as ssh prints it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`;

/** The line that makes a host known. */
export const knownHostLine = (name: string, key: Buffer): string =>
  `${name} ${keyType(key)} ${key.toString('base64')}`;

/** A key begins with the name of its type. */
const keyType = (key: Buffer): string => key.toString('latin1', 4, 4 + key.readUInt32BE(0));

const parseLine = (line: string): KnownHost[] => {
  const fields = line.trim().split(/\s+/);
  const marker = /^@(revoked|cert-authority)$/.exec(fields[0] ?? '')?.[1] as KnownHost['marker'];
  const [hosts, type, key] = marker === undefined ? fields : fields.slice(1);
  if (!hosts || hosts.startsWith('#') || hosts.startsWith('@') || !type || !key) return [];
  return [{ marker, hosts, type, key: Buffer.from(key, 'base64') }];
};

const matches = (hosts: string, name: string): boolean => {
  if (hosts.startsWith('|')) return matchesHash(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const fits = (pattern: string): boolean => wildcard(pattern).test(name.toLowerCase());
  if (patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && fits(pattern));
};

/** '|1|salt|HMAC-SHA1(salt, name)': the names in the file are hidden from who reads it. */
const matchesHash = (hosts: string, name: string): boolean => {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || !salt || !hash) return false;
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name.toLowerCase()).digest();
  const expected = Buffer.from(hash, 'base64');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
};

const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
