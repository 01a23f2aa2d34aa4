// The programs tests run beside Holdfast, and the Debian packages that bring them.
import { accessSync, constants, readdirSync } from 'node:fs';
import { join } from 'node:path';

const requirements = {
  postgresql: {
    packages: ['postgresql', 'postgresql-client'],
    programs: ['initdb', 'postgres', 'pg_dump', 'psql'],
  },
  pgbouncer: { packages: ['pgbouncer'], programs: ['pgbouncer'] },
  mariadb: {
    packages: ['mariadb-server', 'mariadb-client'],
    programs: ['mariadbd', 'mariadb-install-db', 'mariadb', 'mariadb-dump'],
  },
  restic: { packages: ['restic'], programs: ['restic'] },
  // Python for a datagram socket of Unix, which Node does not have.
  systemd: { packages: ['systemd', 'python3'], programs: ['systemd-analyze', 'systemd-notify', 'python3'] },
  // What the manual's own commands for CouchDB take.
  curl: { packages: ['curl', 'python3'], programs: ['curl', 'python3'] },
  python: { packages: ['python3'], programs: ['python3'] },
  strace: { packages: ['strace'], programs: ['strace'] },
  sqlite: { packages: ['sqlite3'], programs: ['sqlite3'] },
  btrfs: { packages: ['btrfs-progs'], programs: ['mkfs.btrfs', 'btrfs'] },
  attributes: { packages: ['attr', 'acl'], programs: ['getfattr', 'setfattr', 'getfacl', 'setfacl'] },
  sshd: {
    packages: ['openssh-server', 'openssh-client'],
    programs: ['sshd', 'ssh-keygen', 'ssh-agent', 'ssh-add', 'sftp'],
  },
  ceph: {
    packages: ['ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'ceph-common'],
    programs: ['ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'radosgw-admin', 'ceph', 'monmaptool'],
  },
  swift: {
    packages: ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'],
    programs: [
      'swift-proxy-server',
      'swift-account-server',
      'swift-container-server',
      'swift-object-server',
      'memcached',
    ],
  },
} as const satisfies Record<string, Requirement>;

interface Requirement {
  readonly packages: readonly string[];
  readonly programs: readonly string[];
}

export type RequirementName = keyof typeof requirements;

/** The path of a program, wherever Debian keeps it. */
export const findProgram = (name: string): string | undefined =>
  programFolders()
    .map((folder) => join(folder, name))
    .find(isExecutable);

/** The same for a program that the test asked for with skipWithout. */
export const program = (name: string): string => {
  const path = findProgram(name);
  if (path === undefined)
    throw new Error(`${name} is not installed; run \`npm test\` as root on Debian once`);
  return path;
};

/**
 * Why a test that needs these cannot run here, for node:test's `skip`, or undefined when it can. Where everything must be tested
 * (CI=true) it throws instead, so that a missing server is a failure.
 */
export const skipWithout = (...names: readonly RequirementName[]): string | undefined => {
  const missing = names.filter((name) => !isThere(name));
  if (missing.length === 0) return undefined;
  const reason = `needs ${missing.flatMap((name) => requirements[name].packages).join(', ')}`;
  if (process.env.CI === 'true') throw new Error(reason);
  return reason;
};

/** The Debian packages that are missing for all tests to run. */
export const missingPackages = (): string[] =>
  (Object.keys(requirements) as RequirementName[])
    .filter((name) => !isThere(name))
    .flatMap((name) => [...requirements[name].packages]);

const isThere = (name: RequirementName): boolean =>
  requirements[name].programs.every((each) => findProgram(each) !== undefined);

const programFolders = (): string[] => [
  ...(process.env.PATH ?? '').split(':'),
  '/usr/bin',
  '/usr/sbin',
  '/sbin',
  ...postgresFolders(),
];

/** Debian keeps each major version of PostgreSQL in a folder of its own; the newest first. */
const postgresFolders = (): string[] => {
  const root = '/usr/lib/postgresql';
  try {
    const versions = readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(root, version, 'bin'));
  } catch {
    return []; // not installed
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
