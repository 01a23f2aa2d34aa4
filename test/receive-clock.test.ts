// Receivers, and clocks that were wrong once: of the sender, of this machine, or of both.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, suite, test } from 'node:test';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('receivers and wrong clocks', () => {
  const folder = temporaryFolder('receive-clock');
  const at = (...parts: string[]): string => join(folder, ...parts);
  beforeEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(at('media'), { recursive: true });
    writeFileSync(at('password'), 'secret', { mode: 0o600 });
    await makeRepository(at('repository'));
    writeFileSync(
      at('holdfast.yaml'),
      `
repositories: { here: { store: ${at('repository')}, password: { file: ${at('password')} } } }
sources: { media: { kind: files, path: ${at('media')} }, copy: { kind: files, path: ${at('copy')} } }
jobs:
  nightly: { backup: [media], to: [here] }
  follow: { receive: [{ source: media, into: copy }], from: here }
catalog: ${at('catalog.db')}
`,
      { mode: 0o600 },
    );
  });
  const run = (day: string, ...words: string[]): Promise<Outcome> =>
    holdfast(words, {
      env: { HOLDFAST_CONFIG: at('holdfast.yaml') },
      clock: standingClock(`${day}T03:00:00Z`),
    });
  const backUp = async (day: string, content: string): Promise<void> => {
    writeFileSync(at('media', 'a'), content);
    assert.equal((await run(day, 'backup', 'nightly')).status, 0);
  };
  const received = (): string => readFileSync(at('copy', 'a'), 'utf8');

  test('a snapshot dated in the future is passed over and told of, and what is made after it is received', async () => {
    await backUp('2026-11-20', 'first');
    await backUp('2099-01-01', 'by a wrong clock');
    const { status, stdout, stderr } = await run('2026-11-21', 'run', 'follow');
    assert.deepEqual([status, received()], [0, 'first']);
    assert.match(
      stderr,
      /media: snapshot [0-9a-f]{8} is passed over: it is dated 2099-01-01 .*still to come/,
    );
    assert.match(stdout, /24 h 00 min behind/);
    await backUp('2026-11-21', 'second');
    await run('2026-11-22', 'run', 'follow');
    assert.equal(received(), 'second');
  });

  test('what was received while the clocks here and there were wrong gives way to the next snapshot, and to none before', async () => {
    await backUp('2026-11-20', 'first');
    await backUp('2099-01-01', 'by a wrong clock');
    await run('2099-01-01', 'run', 'follow');
    assert.equal(received(), 'by a wrong clock');
    await run('2026-11-22', 'run', 'follow');
    assert.equal(received(), 'by a wrong clock', 'and not the one before');
    assert.match((await run('2026-11-23', 'run', 'follow')).stdout, /nothing new; 24 h 00 min behind/);
    await backUp('2026-11-24', 'second');
    await run('2026-11-25', 'run', 'follow');
    assert.equal(received(), 'second');
  });
});
