// What the command line does with stores, whatever is kept in them: limits on speed, and what a storage is fit for.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { jumpingClock } from '#lib/testing.ts';
import { sampleBytes, storeChecks } from '#stores/contract.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { jsonLines } from './tools/cli.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const folder = temporaryFolder('cli-stores');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_PASSWORD: 'secret',
  HOLDFAST_CATALOG: at('catalog.db'),
  HOLDFAST_CONFIG: '',
  HOME: at('home'),
};

/** Runs the line and says how many seconds passed on its clock. */
const timed = async (line: string, config = ''): Promise<Outcome & { readonly seconds: number }> => {
  const clock = jumpingClock();
  const started = clock.now().getTime();
  const outcome = await holdfast(line.split(' '), { env: { ...env, HOLDFAST_CONFIG: config }, clock });
  return { ...outcome, seconds: (clock.now().getTime() - started) / 1000 };
};

suite('a limit on speed', () => {
  const configured = at('holdfast.yaml');
  before(async () => {
    writeFileSync(at('large'), sampleBytes(500 * 1024, 'large'));
    writeFileSync(
      configured,
      `repositories: { slow: { store: ${at('backups')}, password: { env: HOLDFAST_PASSWORD }, limitDownload: 100 } }
sources: { large: { kind: files, path: ${at('large')} } }
jobs: { nightly: { backup: [large], to: [slow] } }`,
      { mode: 0o600 },
    );
    process.env.HOLDFAST_PASSWORD = 'secret';
    await makeRepository(at('backups'));
  });

  const takes = (
    { seconds, status, stderr }: Awaited<ReturnType<typeof timed>>,
    least: number,
    most: number,
  ) => {
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.ok(seconds >= least && seconds <= most, `it took ${seconds} s`);
  };

  test('holds for a backup, of jobs as well', async () => {
    takes(await timed('run nightly --limit-upload 100', configured), 5, 6);
  });

  test('is taken from the configuration, and the command line has the last word', async () => {
    writeFileSync(at('large'), sampleBytes(500 * 1024, 'another'));
    takes(await timed('run nightly --limit-upload 0 --limit-download 0', configured), 0, 0);
    // Two large packs and two small ones in any order: what the last one takes, nobody waits for.
    takes(await timed('check --read-data', configured), 5, 11);
    takes(await timed('check --read-data --limit-download 0', configured), 0, 0);
    takes(await timed('check --read-data --limit-download 200', configured), 2.5, 5.5);
  });

  test('is a number, and is refused where nothing is stored', async () => {
    const word = await timed(`-r ${at('backups')} snapshots --limit-download fast`);
    assert.deepEqual([word.status, /whole number of KiB/.test(word.stderr)], [2, true]);
    const runs = await timed('runs --limit-upload 10');
    assert.deepEqual([runs.status, /means nothing/.test(runs.stderr)], [2, true]);
  });
});

suite('store verify', () => {
  const run = (line: string) => holdfast(line.split(' '), { env });

  test('holds a storage against every promise, measures it, and leaves nothing there', async () => {
    mkdirSync(at('vault', 'mine'), { recursive: true });
    const { status, stdout, stderr } = await run(`store verify ${at('vault')} --json`);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const lines = jsonLines(stdout);
    const held = lines.filter(({ message_type }) => message_type === 'store_check');
    assert.equal(held.length, storeChecks.length + 1);
    assert.ok(held.every(({ holds }) => holds === true));
    const speed = lines.find(({ message_type }) => message_type === 'store_speed');
    assert.ok(
      Number(speed?.put_bytes_per_second) > 1_000_000 && Number(speed?.get_bytes_per_second) > 1_000_000,
    );
    assert.deepEqual(readdirSync(at('vault')), ['mine']);
  });

  test('of a storage that cannot be used is status 14, with what to do', async () => {
    writeFileSync(at('a file'), '');
    const { status, stderr } = await holdfast(['store', 'verify', at('a file')], { env });
    assert.equal(status, 14);
    assert.match(stderr, /hint: something that is not a folder/);
  });

  test('asks for no password, and takes none', async () => {
    const { status, stderr } = await run(`store verify ${at('vault')} --password-file x`);
    assert.deepEqual([status, /--password-file means nothing/.test(stderr)], [2, true]);
  });
});
