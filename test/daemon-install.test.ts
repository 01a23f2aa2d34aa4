// The daemon as a service of the system.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { unitText } from '../src/cli/install-unit.ts';
import { holdfast } from '../src/cli/testing.ts';
import { serviceManager } from '../src/daemon/service-manager.ts';
import { skipWithout } from './servers/programs.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('install');
const at = (...parts: string[]): string => join(folder, ...parts);
const config = at('holdfast.yaml');
writeFileSync(
  config,
  `repositories: { here: { store: ${at('r')}, password: p } }
sources: { data: { kind: files, path: /srv } }
jobs: { nightly: { backup: [data], to: [here], schedule: "30 3 * * *" } }
daemon: { stopTimeout: 10m }
`,
  { mode: 0o600 },
);
const env = { HOME: '/home/ada', PATH: process.env.PATH };
const skip = skipWithout('systemd');

test('install writes a unit and folders for their owner alone, and removes them again', async () => {
  const root = at('root');
  const words = ['install', '--config', config, '--root', root];
  assert.equal((await holdfast([...words, '--dry-run'], { env })).status, 0);
  assert.equal(existsSync(root), false);
  const { status, stderr } = await holdfast(words, { env });
  assert.equal(status, 0, stderr);
  const unit = readFileSync(join(root, 'etc/systemd/system/holdfast.service'), 'utf8');
  assert.match(unit, new RegExp(`^ExecStart=.* --config ${config} daemon$`, 'm'));
  assert.match(unit, /^TimeoutStopSec=690$/m);
  const modeOf = (path: string): number => statSync(join(root, path)).mode & 0o777;
  assert.equal(modeOf('var/lib/holdfast'), 0o700);
  assert.deepEqual(['etc', 'var', 'var/lib'].map(modeOf), [0o755, 0o755, 0o755]); // as a package brings them
  writeFileSync(join(root, 'var/lib/holdfast/catalog.db'), '');
  const removed = await holdfast([...words, '--remove'], { env });
  assert.match(removed.stdout, /leave .*\/var\/lib\/holdfast, which is not empty/);
  assert.deepEqual(readdirSync(join(root, 'etc/systemd/system')), []);
  assert.equal(existsSync(join(root, 'etc/holdfast')), false);
  assert.equal((await holdfast([...words, '--remove'], { env })).status, 2);
});

test('for a user, it lies in the home folder', async () => {
  const { stdout } = await holdfast(['install', '--user', '--dry-run', '--config', config, '--root', '/'], {
    env,
  });
  assert.match(stdout, /^write \/home\/ada\/.config\/systemd\/user\/holdfast.service$/m);
});

const options = { forUser: false, canNotify: true, stopTimeoutMs: 60_000 };

test('words of the command line are quoted as systemd reads them', () => {
  const text = unitText({ ...options, command: ['/opt/my node', 'a"b', '50%', '$HOME'] });
  assert.match(text, /^ExecStart="\/opt\/my node" "a\\"b" 50%% \$\$HOME$/m);
});

test('systemd finds nothing wrong with the unit', { skip }, () => {
  for (const forUser of [false, true]) {
    const unit = at('holdfast.service');
    writeFileSync(unit, unitText({ ...options, forUser, command: [process.execPath, at('a b')] }));
    const { stderr, status } = spawnSync(
      'systemd-analyze',
      [...(forUser ? ['--user'] : []), 'verify', '--man=no', unit],
      { encoding: 'utf8', env: { ...process.env, XDG_RUNTIME_DIR: folder } },
    );
    assert.doesNotMatch(stderr, /holdfast\.service/, stderr);
    assert.equal(status, 0);
  }
});

test('systemd is told that the daemon is ready, later if not at once', {
  skip,
  timeout: 60_000,
}, async () => {
  process.env.NOTIFY_SOCKET = at('notify');
  const warnings: string[] = [];
  const manager = serviceManager(process.env, (text) => warnings.push(text));
  await manager.tell('READY=1'); // nobody listens yet
  const listener = spawn(
    'python3',
    [
      '-c',
      `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound',flush=True)
print(s.recv(4096).decode(),flush=True)`,
      at('notify'),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let heard = '';
  listener.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  await once(listener.stdout, 'data');
  const closed = once(listener, 'close'); // it may have ended before systemd's program has
  await manager.tell('WATCHDOG=1');
  await closed;
  delete process.env.NOTIFY_SOCKET;
  assert.match(heard, /READY=1\nWATCHDOG=1/);
  assert.equal(warnings.length, 1);
  assert.match(heard, new RegExp(`MAINPID=${process.pid}`));
});
