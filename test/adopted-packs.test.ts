// What a run that died has stored outlives a power cut before anything relies on it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { program, skipWithout } from './servers/programs.ts';
import { runCli, startProgram } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');

for (const command of ['backup', 'repair index'])
  test(`\`${command}\` syncs the folders of packs before it lists them`, {
    skip: skipWithout('strace') ?? false,
  }, async () => {
    const folder = temporaryFolder('adopted');
    const repository = join(folder, 'repository');
    const env = { HOLDFAST_PASSWORD: 'secret', HOLDFAST_CATALOG: join(folder, 'catalog.db') };
    await makeRepository(repository);
    const backup = ['-r', repository, 'backup', join(import.meta.dirname, 'tools')];
    assert.equal((await runCli(backup, { env })).status, 0);
    for (const lost of ['index', 'snapshots']) rmSync(join(repository, lost), { recursive: true });
    const calls = join(folder, 'calls');
    const traced = [program('strace'), '-f', '-y', '-qq', '-e', 'trace=fsync,?rename', '-o', calls];
    const args = command === 'backup' ? backup : ['-r', repository, ...command.split(' ')];
    const [strace = '', ...options] = traced;
    const { status, stderr } = await startProgram(strace, [...options, process.execPath, main, ...args], {
      env,
    }).result;
    assert.equal(status, 0, stderr);
    const before = readFileSync(calls, 'utf8').split(`rename("${repository}/index/`)[0] ?? '';
    for (const packs of readdirSync(join(repository, 'data')))
      for (const synced of [`data/${packs}`, 'data', ''])
        assert.ok(before.includes(`<${join(repository, synced).replace(/\/$/, '')}>`), synced);
  });
