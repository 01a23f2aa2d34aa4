// A private OpenStack Swift: proxy, account, container and object server on one disk, with TempAuth.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, portAnswers, type ServerProcess, startProcess, whenReady } from './process.ts';
import { program, skipWithout } from './programs.ts';

export interface SwiftServer extends AsyncDisposable {
  /** TempAuth, the first version of Swift's ways to log in. */
  readonly authUrl: string;
  readonly user: string;
  readonly key: string;
}

export interface SwiftOptions {
  /** How long a token is good for. */
  readonly tokenSeconds?: number;
}

/** Why it cannot be started here; where everything must be tested (CI=true) it throws instead. */
export const skipWithoutSwift = (): string | undefined =>
  skipWithout('swift') ??
  (process.getuid?.() === 0 ? undefined : 'needs root to start Swift as its own user');

/** Starts it in about 2 seconds; the caller disposes of it. */
export const startSwift = async ({ tokenSeconds = 86_400 }: SwiftOptions = {}): Promise<SwiftServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-swift-'));
  chmodSync(folder, 0o755);
  for (const name of ['etc', 'run', 'node/d1']) mkdirSync(join(folder, name), { recursive: true });
  const servers = new AsyncDisposableStack();
  servers.defer(() => rmSync(folder, { recursive: true, force: true }));
  const start = (name: string, command: string, args: readonly string[]): ServerProcess =>
    servers.use(startProcess({ name, command, args, folder, user: 'swift', stopSignal: 'SIGKILL' }));
  try {
    const cache = await freePort();
    const proxy = await freePort();
    const files = join(folder, 'etc');
    writeFileSync(join(files, 'swift.conf'), common);
    const storage = ['account', 'container', 'object'];
    const ports = new Map<string, number>();
    for (const name of storage) ports.set(name, await freePort());
    for (const [name, port] of ports)
      writeFileSync(join(files, `${name}.conf`), storageConfiguration(name, port, folder));
    makeRings(files, ports);
    writeFileSync(join(files, 'proxy.conf'), proxyConfiguration(proxy, cache, folder, tokenSeconds));
    execFileSync('chown', ['-R', 'swift:', folder]);
    start('memcached', program('memcached'), ['-l', '127.0.0.1', '-p', String(cache), '-U', '0', '-m', '16']);
    for (const name of storage) start(name, program(`swift-${name}-server`), [join(files, `${name}.conf`)]);
    const front = start('proxy', program('swift-proxy-server'), [join(files, 'proxy.conf')]);
    for (const port of [...ports.values(), proxy]) await whenReady(front, () => portAnswers(port));
    return {
      authUrl: `http://127.0.0.1:${proxy}/auth/v1.0`,
      user: 'test:tester',
      key: 'testing',
      [Symbol.asyncDispose]: () => servers.disposeAsync(),
    };
  } catch (error) {
    await servers.disposeAsync();
    throw error;
  }
};

/** Rings of one device each, by Swift's own code: its program for it would have to be started nine times, a second each. */
const makeRings = (folder: string, ports: ReadonlyMap<string, number>): void => {
  const words = [...ports].flatMap(([name, port]) => [name, String(port)]);
  execFileSync('/usr/bin/python3', ['-c', ringMaker, ...words], { cwd: folder });
};

const ringMaker = `
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'd1', 'weight': 1})
    ring.rebalance()
    ring.get_ring().save(name + '.ring.gz')
`;

const common = '[swift-hash]\nswift_hash_path_suffix = t\n[storage-policy:0]\nname = p0\ndefault = yes\n';

const storageConfiguration = (name: string, port: number, folder: string): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
devices = ${folder}/node
mount_check = false
swift_dir = ${folder}/etc
user = swift
workers = 0
disable_fallocate = true
fallocate_reserve = 0
[pipeline:main]
pipeline = ${name}-server
[app:${name}-server]
use = egg:swift#${name}
recon_cache_path = ${folder}/run
`;

const filters = ['catch_errors', 'gatekeeper', 'healthcheck', 'listing_formats', 'bulk', 'slo', 'dlo'];

const proxyConfiguration = (
  port: number,
  cache: number,
  folder: string,
  tokenSeconds: number,
): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
swift_dir = ${folder}/etc
user = swift
workers = 0
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk tempauth container-quotas slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
token_life = ${tokenSeconds}
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cache}
[filter:container-quotas]
use = egg:swift#container_quotas
${filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n`).join('')}`;
