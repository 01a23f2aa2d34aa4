// The demo of `npm start` plays to its end, and what it says is so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiledCode } from './tools/cli.ts';
import { temporaryFolder } from './tools/temp.ts';

test('the demo plays to its end, compares what it restored, and tidies up', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '..', 'scripts', 'demo.ts')],
    {
      encoding: 'utf8',
      env: { ...compiledCode, PATH: process.env.PATH, HOME: '/nonexistent', TMPDIR: temporaryFolder('demo') },
    },
  );
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stdout.match(/^✓ /gm)?.length, 3);
  assert.equal(
    stdout.match(/^\$ holdfast (init|backup|snapshots|verify|restore|ls|find|check|runs)\b/gm)?.length,
    12,
  );
  assert.match(stdout, /state='sent', note='on its way'\n.*\n.*state='paid', .*\n2 rows in 2 snapshots\n/);
  assert.match(stdout, /no problem found \(4 snapshots/);
  const folder = /in (\/\S+)$/m.exec(stdout)?.[1] as string;
  assert.equal(existsSync(folder), false);
});
