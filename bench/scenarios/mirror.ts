// A folder of mixed files to another machine over SFTP, beside `rclone copy --checksum`, on the loopback.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../test/servers/programs.ts';
import { type SshServer, skipWithoutSshd, startSshd } from '../../test/servers/sshd.ts';
import { makeMirrorFiles } from '../../test/tools/mirror-files.ts';
import { type Comparison, compare } from '../comparison.ts';
import { requireSame } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { holdfast, holdfastCommand } from '../tools/holdfast.ts';

const files = { quick: 2_000, full: 20_000 } as const;

/** On a server that offers SFTP alone ours reads every copy back, and rclone compares sizes; with a shell both ask it for checksums. */
export const mirror: Scenario = {
  name: 'mirror',
  skip: () => skipWithoutSshd() ?? (findProgram('rclone') ? undefined : 'needs rclone'),
  async *run(bench) {
    const source = join(bench.folder, 'files');
    makeMirrorFiles(source, files[bench.scale], 'mirror', 0);
    for (const shell of [false, true]) {
      await using server = await startSshd({ shell });
      yield await beside(server, source, bench, shell ? 'with a shell' : 'SFTP alone');
    }
  },
};

const beside = async (
  server: SshServer,
  source: string,
  { folder, rounds, scale }: Bench,
  what: string,
): Promise<Comparison> => {
  const rclone = findProgram('rclone') ?? 'rclone';
  const catalog = join(folder, 'catalog.db');
  const config = configurationFor(folder, source, server);
  const [version = 'rclone'] = execFileSync(rclone, ['version'], { encoding: 'utf8' }).split('\n');
  const clear = (): void => {
    for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
    for (const ending of ['', '-wal', '-shm']) rmSync(catalog + ending, { force: true });
  };
  const check = (): void => requireSame(source, join(server.folder, 'copies'));
  const { host, port, user, key, knownHosts, path } = server;
  const remote = `:sftp,host=${host},port=${port},user=${user},key_file=${key},known_hosts_file=${knownHosts}:${path}/copies`;
  return await compare({
    title: `${files[scale]} files of mixed size to a server, ${what}, each verified`,
    target: { of: 'wall', atLeast: 1 },
    rounds,
    contenders: [
      {
        name: holdfast.name,
        prepare: clear,
        command: holdfastCommand('mirror --config "$CONFIG" files', '', {
          CONFIG: config,
          HOLDFAST_CATALOG: catalog,
        }),
        check,
      },
      {
        name: version.trim(),
        prepare: clear,
        command: {
          line: '"$RCLONE" copy --checksum "$SOURCE" "$REMOTE"',
          env: { RCLONE: rclone, SOURCE: source, REMOTE: remote, HOME: folder },
        },
        check,
      },
    ],
  });
};

const configurationFor = (folder: string, source: string, server: SshServer): string => {
  const { host, port, user, key: privateKey, knownHosts, path } = server;
  const to = {
    kind: 'sftp',
    host,
    port,
    user,
    path: `${path}/copies`,
    privateKey,
    knownHosts,
    sshConfig: 'none',
  };
  const file = join(folder, 'holdfast.yaml');
  writeFileSync(file, JSON.stringify({ jobs: { files: { mirror: source, to } } }));
  return file;
};
