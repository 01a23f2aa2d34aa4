// A private Ceph with its S3 gateway: one monitor, one manager, one OSD that keeps everything in memory.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, portAnswers, type ServerProcess, startProcess, whenReady } from './process.ts';
import { program } from './programs.ts';

export interface CephServer extends AsyncDisposable {
  /** 'http://127.0.0.1:…' */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Runs radosgw-admin: users, quotas. */
  admin(...args: readonly string[]): Promise<string>;
}

/** Starts it in about 12 seconds; the caller disposes of it. */
export const startCeph = async (): Promise<CephServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ceph-'));
  // Stopped last first: an OSD without its monitor lingers for minutes.
  const servers = new AsyncDisposableStack();
  servers.defer(() => rm(folder, { recursive: true, force: true }));
  try {
    const ports = { monitor: await freePort(), old: await freePort(), gateway: await freePort() };
    const cluster = new Cluster(folder, ports, servers);
    await cluster.start();
    const keys = { accessKeyId: 'AKIDHOLDFAST', secretAccessKey: 'holdfast-secret-key' };
    await cluster.admin(
      ...['user', 'create', '--uid=test', '--display-name=test'],
      ...[`--access-key=${keys.accessKeyId}`, `--secret-key=${keys.secretAccessKey}`],
    );
    return {
      endpoint: `http://127.0.0.1:${ports.gateway}`,
      ...keys,
      admin: (...args) => cluster.admin(...args),
      [Symbol.asyncDispose]: () => servers.disposeAsync(),
    };
  } catch (error) {
    await servers.disposeAsync();
    throw error;
  }
};

interface Ports {
  readonly monitor: number;
  readonly old: number;
  readonly gateway: number;
}

class Cluster {
  readonly #folder: string;
  readonly #ports: Ports;
  readonly #servers: AsyncDisposableStack;
  readonly #environment: Readonly<Record<string, string>>;

  constructor(folder: string, ports: Ports, servers: AsyncDisposableStack) {
    this.#folder = folder;
    this.#ports = ports;
    this.#servers = servers;
    this.#environment = { CEPH_CONF: join(folder, 'ceph.conf') };
  }

  async start(): Promise<void> {
    const id = randomUUID();
    for (const name of ['mon', 'osd', 'mgr', 'run', 'rgw']) await mkdir(join(this.#folder, name));
    await writeFile(join(this.#folder, 'ceph.conf'), configuration(this.#folder, id, this.#ports));
    const { monitor, old, gateway } = this.#ports;
    const addresses = `[v2:127.0.0.1:${monitor}/0,v1:127.0.0.1:${old}/0]`;
    const map = join(this.#folder, 'monmap');
    await this.#run('monmaptool', '--create', '--fsid', id, '--addv', 'a', addresses, map);
    await this.#run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map);
    const server = this.#launch('ceph-mon', '-i', 'a');
    await whenReady(server, () => portAnswers(monitor));
    await this.#run('ceph', '--connect-timeout', '20', 'mon', 'enable-msgr2');
    this.#launch('ceph-mgr', '-i', 'x');
    const osd = randomUUID();
    await this.#run('ceph', 'osd', 'new', osd);
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
    this.#launch('ceph-osd', '-i', '0');
    await whenReady(this.#launch('radosgw', '-n', 'client.rgw'), () => portAnswers(gateway), 120_000);
  }

  admin(...args: readonly string[]): Promise<string> {
    return this.#run('radosgw-admin', '-n', 'client.rgw', ...args);
  }

  #launch(name: string, ...args: readonly string[]): ServerProcess {
    // Nothing in it is worth an orderly end, which takes 10 seconds.
    const options = { name, command: program(name), args: ['-f', ...args], stopSignal: 'SIGKILL' as const };
    return this.#servers.use(startProcess({ ...options, folder: this.#folder, env: this.#environment }));
  }

  async #run(name: string, ...args: readonly string[]): Promise<string> {
    const env = { ...process.env, ...this.#environment };
    return (await promisify(execFile)(program(name), args, { env, cwd: this.#folder })).stdout;
  }
}

const configuration = (folder: string, id: string, ports: Ports): string => `[global]
fsid = ${id}
mon_host = [v2:127.0.0.1:${ports.monitor}/0,v1:127.0.0.1:${ports.old}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
mon_data = ${folder}/mon
mgr_data = ${folder}/mgr
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 2G
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.asok
pid_file = ${folder}/run/$name.pid
log_file = ${folder}/$name.log
mon_cluster_log_file = ${folder}/cluster.log
rgw_data = ${folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:${ports.gateway}
rgw_crypt_require_ssl = false
`;
