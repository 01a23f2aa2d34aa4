// The command that judges everything else: what goes wrong in a test file is never taken for success.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { temporaryFolder } from './tools/temp.ts';

const runner = join(import.meta.dirname, '..', 'scripts', 'test.ts');

const runOn = async (
  files: Record<string, string>,
  more: Record<string, string> = {},
): Promise<{ status: number; output: string; last: string }> => {
  const folder = temporaryFolder('harness');
  for (const [name, body] of Object.entries(files))
    writeFileSync(join(folder, name), `import { suite, test, after } from 'node:test';\n${body}`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else it takes itself for a part of this run
  const result = await promisify(execFile)(process.execPath, [runner, folder], {
    env: { ...env, CI: '', ...more },
  }).then(
    ({ stdout }) => ({ status: 0, output: stdout }),
    (error: { code: number; stdout: string }) => ({ status: error.code, output: error.stdout }),
  );
  return { ...result, last: result.output.trimEnd().split('\n').at(-1) ?? '' };
};

suite('npm test', { concurrency: true }, () => {
  test('counts what passed and what was skipped, with the reason', async () => {
    const { status, output, last } = await runOn({
      'a.test.ts': `test('one', () => {}); suite('s', () => { test('two', () => {}); test('three', { skip: 'no moon' }, () => {}); });`,
      'b.test.ts': `suite('all of it', { skip: 'no sun' }, () => { test('x', () => {}); });`,
    });
    assert.equal(status, 0);
    assert.equal(last, '2 passed, 0 failed, 2 skipped');
    assert.match(output, /skipped 1: no moon\nskipped 1: no sun/);
  });

  test('takes a skip for a failure where everything must be tested, but for servers that no test can install', async () => {
    const files = {
      'a.test.ts': `test('one', { skip: 'needs a real SQL Server in HOLDFAST_TEST_SQLSERVER' }, () => {}); test('two', () => {});`,
    };
    const where = { CI: 'true', HOLDFAST_TEST_SQLSERVER: '' };
    assert.equal((await runOn(files, where)).last, '1 passed, 0 failed, 1 skipped');
    const { status, last } = await runOn(
      { ...files, 'b.test.ts': `test('x', { skip: 'no moon' }, () => {});` },
      where,
    );
    assert.equal(status, 1);
    assert.equal(last, '1 passed, 1 failed, 2 skipped');
  });

  test('counts each failure once and prints what the file had printed', async () => {
    const { status, output, last } = await runOn({
      'a.test.ts': `console.log('a clue'); suite('s', () => { test('t', () => { throw new Error('broken'); }); });`,
    });
    assert.equal(status, 1);
    assert.equal(last, '0 passed, 1 failed, 0 skipped');
    assert.match(output, /✖ t \(.*a\.test\.ts:2\)\n {4}Error: broken/);
    assert.match(output, /a clue/);
  });

  test('takes a file that ends its own process, or does not load, for a failure', async () => {
    const { status, last } = await runOn({
      'a.test.ts': `test('one', () => process.exit(0));`,
      'b.test.ts': `throw new Error('does not load');`,
      'c.test.ts': `test('fine', () => {});`,
    });
    assert.equal(status, 1);
    assert.equal(last, '1 passed, 2 failed, 0 skipped');
  });

  test('takes a file without a single test for a failure', async () => {
    const { status, last } = await runOn({ 'a.test.ts': '' });
    assert.equal(status, 1);
    assert.equal(last, '0 passed, 1 failed, 0 skipped');
  });

  test('fails when what clears up after a test fails', async () => {
    const { status, last } = await runOn({
      'a.test.ts': `suite('s', () => { after(() => { throw new Error('left open'); }); test('t', () => {}); });`,
    });
    assert.equal(status, 1);
    assert.equal(last, '1 passed, 1 failed, 0 skipped');
  });
});
