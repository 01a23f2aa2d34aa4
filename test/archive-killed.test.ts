// An archive job that is killed: nobody sees what it left, and the next run removes it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { openLocalStore } from '../src/stores/local/local.ts';
import { compiledCode } from './tools/cli.ts';
import { temporaryFolder } from './tools/temp.ts';

const main = join(import.meta.dirname, '../src/main.ts');

test('a killed run leaves nothing that looks like a backup, and the next removes what it left', async () => {
  const folder = temporaryFolder('archive-killed');
  const out = join(folder, 'out');
  mkdirSync(join(folder, 'media'), { recursive: true });
  writeFileSync(join(folder, 'media/noise'), randomBytes(12_000_000));
  const config = join(folder, 'holdfast.yaml');
  writeFileSync(
    config,
    `sources: { media: { kind: files, path: ${folder}/media } }
catalog: ${folder}/catalog.db
jobs: { slow: { archive: [media], to: [${out}], name: "{source}_{yyyy}.tar.gz" } }\n`,
  );
  chmodSync(config, 0o600);
  const start = (...options: string[]) =>
    spawn(process.execPath, [main, 'run', 'slow', '--config', config, ...options], {
      stdio: 'ignore',
      env: { ...process.env, ...compiledCode, XDG_STATE_HOME: folder },
    });
  const unfinished = (): string[] =>
    (existsSync(out) ? readdirSync(out) : []).filter((name) => /-tmp-\d+$/.test(name));

  const killed = start('--limit-upload', '2000');
  const dead = once(killed, 'exit');
  while (!unfinished().some((name) => statSync(join(out, name)).size > 0) && killed.exitCode === null)
    await pause(10);
  killed.kill('SIGKILL');
  await dead;
  await using store = openLocalStore(out);
  assert.deepEqual(
    await Array.fromAsync(store.list('')),
    [],
    'it was killed in the middle, and nothing is seen',
  );
  assert.equal(unfinished().length, 1);

  const [status] = (await once(start(), 'exit')) as [number];
  assert.equal(status, 0);
  const year = new Date().getFullYear();
  assert.deepEqual(
    readdirSync(out),
    ['', '.owner', '.sha256'].map((ending) => `media_${year}.tar.gz${ending}`),
  );
});
