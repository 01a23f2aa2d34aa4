import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import { z } from 'zod';
import { HoldfastError } from './errors.ts';
import type { SecretInput } from './secret-input.ts';
import { secret, secretWarning } from './secret-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-secret-'));
after(() => rmSync(folder, { recursive: true }));

const inFile = (name: string, content: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};
const reveal = (value: SecretInput): string => secret().parse(value).reveal();
const refusal = (value: SecretInput): HoldfastError => {
  try {
    reveal(value);
  } catch (error) {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, 'CONFIG_INVALID');
    return error;
  }
  return assert.fail('it was revealed');
};

test('a secret is found as text, in a file, in the environment, and by a command', () => {
  process.env.HOLDFAST_TEST_SECRET = 'from env';
  assert.equal(reveal('as text'), 'as text');
  assert.equal(reveal({ file: inFile('one', 'from file\n') }), 'from file');
  assert.equal(reveal({ env: 'HOLDFAST_TEST_SECRET' }), 'from env');
  assert.equal(reveal({ command: 'printf %s "from shell" | cat' }), 'from shell');
  assert.equal(reveal({ command: ['printf', '%s\n', '$HOME'] }), '$HOME');
});

test('only one newline at the end is not part of the secret', () => {
  assert.equal(reveal({ file: inFile('crlf', 'p w\r\n') }), 'p w');
  assert.equal(reveal({ file: inFile('two', ' p\n\n') }), ' p\n');
});

test('~ in a secret file is the home folder', () => {
  const home = process.env.HOME;
  try {
    process.env.HOME = folder;
    inFile('at-home', 'here');
    assert.equal(reveal({ file: '~/at-home' }), 'here');
  } finally {
    process.env.HOME = home;
  }
});

test('nothing is read before it is needed, and a changed file is seen', () => {
  const path = join(folder, 'later');
  const value = secret().parse({ file: path });
  writeFileSync(path, 'first');
  assert.equal(value.reveal(), 'first');
  writeFileSync(path, 'second');
  assert.equal(value.reveal(), 'second');
});

test('a missing or empty secret is an error that says where it was looked for', () => {
  assert.match(refusal({ file: join(folder, 'none') }).message, /cannot read the secret in .*none: ENOENT/);
  assert.match(refusal({ file: inFile('empty', '\n') }).message, /the secret file .*empty is empty/);
  assert.match(refusal({ env: 'HOLDFAST_TEST_NONE' }).message, /variable HOLDFAST_TEST_NONE.* is not set/);
  assert.match(refusal({ command: 'true' }).message, /printed nothing/);
  assert.match(refusal({ command: ['/no/such/program'] }).message, /\/no\/such\/program.*ENOENT/);
});

test('what a failing command printed is nowhere in the error', () => {
  const error = refusal({ command: 'echo hunter2; echo hunter2 >&2; exit 3' });
  assert.equal(error.message, 'the command for a secret failed with status 3');
  assert.doesNotMatch(inspect(error, { depth: 9 }).replace(error.stack ?? '', ''), /hunter2/);
});

test('a command that does not end in time is ended', () => {
  const value = secret({ commandLimitMs: 200 }).parse({ command: 'sleep 30; echo late' });
  const began = Date.now();
  assert.throws(() => value.reveal(), /did not end within 0.2 s/);
  assert.ok(Date.now() - began < 5000);
});

test('a secret is exactly one of the forms', () => {
  for (const wrong of [{}, '', 7, { file: 'a', env: 'B' }, { fil: 'a' }, { command: [] }])
    assert.equal(secret().safeParse(wrong).success, false, JSON.stringify(wrong));
});

test('a secret file that others can read is warned about', () => {
  const warningFor = (mode: number) => secretWarning(secret().parse({ file: inFile('open', 'x', mode) }));
  assert.equal(warningFor(0o600), undefined);
  assert.equal(warningFor(0o400), undefined);
  assert.match(warningFor(0o640) ?? '', /open to other users \(mode 0640\): chmod 600/);
  assert.equal(secretWarning(secret().parse('text')), undefined);
  assert.equal(secretWarning(secret().parse({ file: join(folder, 'absent') })), undefined);
});

test('a secret prints as dots', () => {
  const value = secret().parse('hunter2');
  assert.equal(`${value} ${JSON.stringify({ value })} ${inspect({ value })}`.includes('hunter2'), false);
});

test('the JSON Schema is of what is written, not of what it becomes', () => {
  const schema = z.toJSONSchema(secret(), { io: 'input' });
  const forms = schema.anyOf?.map((form) => (form.type === 'string' ? 'text' : form.required?.[0]));
  assert.deepEqual(forms, ['text', 'file', 'env', 'command']);
});
