// The same place on a server, as Holdfast and restic are told of it: over SFTP and S3, near, or far away by an artificial delay.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { systemClock } from '#lib/clock.ts';
import { ofKind } from '#lib/kind-registry.ts';
import { silentLog } from '#lib/log.ts';
import { openStore, storeKinds } from '#stores/registry.ts';
import { startCeph } from '../../test/servers/ceph.ts';
import { startSshd } from '../../test/servers/sshd.ts';
import { slowLine } from '../../test/tools/slow-line.ts';

export interface DistantPlace {
  /** 'sftp' or 's3'. */
  readonly kind: string;
  /** A configuration file with this repository, called `distant`. */
  readonly config: string;
  /** What restic is told: its options, and its environment. */
  readonly resticOptions: string;
  readonly resticEnv: Readonly<Record<string, string>>;
  /** Removes all that lies in the repository of the one or the other. */
  clear(whose: 'holdfast' | 'restic'): Promise<void>;
}

/** Runs `work` with a server of each kind in turn, that far away. */
export async function* distantPlaces(folder: string, roundTripMs: number): AsyncGenerator<DistantPlace> {
  yield* onSftp(folder, roundTripMs);
  yield* onS3(folder, roundTripMs);
}

async function* onSftp(folder: string, roundTripMs: number): AsyncGenerator<DistantPlace> {
  await using server = await startSshd();
  await using line = await slowLine(server.port, roundTripMs);
  const { host, user, key, hostKey } = server;
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, `[${host}]:${line.port} ${hostKey}\n`);
  const ssh = `ssh -p ${line.port} -i ${key} -o UserKnownHostsFile=${knownHosts} -o IdentitiesOnly=yes ${user}@${host} -s sftp`;
  const login = { host, port: line.port, user, privateKey: key, knownHosts, sshConfig: 'none' };
  yield placeOf(
    folder,
    'sftp',
    (whose) => ({ ...login, path: `${server.path}/${whose}` }),
    `-o 'sftp.command=${ssh}'`,
    {
      RESTIC_REPOSITORY: `sftp:${user}@${host}:${server.path}/restic`,
    },
  );
}

async function* onS3(folder: string, roundTripMs: number): AsyncGenerator<DistantPlace> {
  await using server = await startCeph();
  await using line = await slowLine(Number(new URL(server.endpoint).port), roundTripMs);
  const { accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { ...credentials }, // the client adds to what it is given
  });
  await client.createBucket({ Bucket: 'backups' });
  client.destroy();
  const endpoint = `http://127.0.0.1:${line.port}`;
  yield placeOf(folder, 's3', (prefix) => ({ endpoint, bucket: 'backups', prefix, ...credentials }), '', {
    RESTIC_REPOSITORY: `s3:${endpoint}/backups/restic`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  });
}

const placeOf = (
  folder: string,
  kind: string,
  settingsOf: (whose: 'holdfast' | 'restic') => Readonly<Record<string, unknown>>,
  resticOptions: string,
  resticEnv: Readonly<Record<string, string>>,
): DistantPlace => {
  const config = join(folder, `${kind}.yaml`);
  const repositories = {
    distant: { store: { kind, ...settingsOf('holdfast') }, password: { env: 'HOLDFAST_PASSWORD' } },
  };
  writeFileSync(config, JSON.stringify({ repositories, sources: {}, jobs: {} }), { mode: 0o600 });
  return {
    kind,
    config,
    resticOptions,
    resticEnv,
    async clear(whose) {
      const signal = new AbortController().signal;
      const context = { name: kind, signal, clock: systemClock, log: silentLog };
      await using store = await openStore(ofKind(storeKinds).parse({ kind, ...settingsOf(whose) }), context);
      for (const { key } of await Array.fromAsync(store.list(''))) await store.delete(key);
    },
  };
};
