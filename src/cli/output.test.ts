import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { HoldfastError } from '#lib/errors.ts';
import { Output, type OutputOptions, ReaderGone } from './output.ts';
import { rememberingStream, standingClock } from './testing.ts';

const open = (options: Partial<OutputOptions> = {}, columns?: number) => {
  const stdout = rememberingStream(columns);
  const stderr = rememberingStream(columns);
  const clock = standingClock();
  const output = new Output({
    stdout: stdout.stream,
    stderr: stderr.stream,
    json: false,
    verbosity: 'normal',
    clock,
    ...options,
  });
  return { output, clock, stdout: stdout.text, stderr: stderr.text };
};

const copying = (bytes: number, more = {}) => ({ phase: 'backup', bytes, items: 3, ...more });

test('an event is a line for people and an object with --json', () => {
  const people = open();
  people.output.say({ message_type: 'summary', snapshots: 2 }, '2 snapshots');
  assert.equal(people.stdout(), '2 snapshots\n');
  const machine = open({ json: true });
  machine.output.say({ message_type: 'summary', snapshots: 2 }, '2 snapshots');
  assert.equal(machine.stdout(), '{"message_type":"summary","snapshots":2}\n');
});

test('quiet keeps results, warnings and failures, and nothing else', async () => {
  const { output, stdout, stderr } = open({ verbosity: 'quiet' });
  output.say({ message_type: 'a' }, 'event');
  output.progress('shop', copying(1));
  await output.result({ message_type: 'b' }, 'row');
  output.warn('careful', 'look');
  output.failure({ message_type: 'c' }, 'broken');
  assert.equal(stdout(), 'row\n');
  assert.equal(stderr(), 'careful\nhint: look\nbroken\n');
});

test('details are shown with -v only', () => {
  const normal = open();
  normal.output.detail({ message_type: 'd' }, 'detail');
  assert.equal(normal.stdout(), '');
  const verbose = open({ verbosity: 'verbose' });
  verbose.output.detail({ message_type: 'd' }, 'detail');
  assert.equal(verbose.stdout(), 'detail\n');
});

test('a name in a message cannot talk to the terminal, whichever way it is shown', async () => {
  const name = 'a\u001b]0;owned\u0007\r\u009b2J';
  const { output, stdout, stderr } = open({ verbosity: 'verbose' });
  output.say({ message_type: 'a' }, name);
  output.detail({ message_type: 'b' }, name);
  await output.result({ message_type: 'c' }, name);
  await output.heading(name);
  output.warn(name, name);
  output.failure({ message_type: 'd' }, name, name);
  output.fatal(new HoldfastError('FAILED', name, { hint: name }));
  assert.doesNotMatch(stdout() + stderr(), /[^\P{Cc}\n]/u);
  assert.equal(stdout().split('\n')[0], 'a\\x1b]0;owned\\x07\\x0d\\x9b2J');
});

test('the error that ends a command shows its hint, and with -v what lay beneath', () => {
  const error = new HoldfastError('WRONG_PASSWORD', 'wrong password for /backups', {
    hint: 'try another',
    cause: new Error('MAC differs'),
  });
  const normal = open();
  normal.output.fatal(error);
  assert.equal(normal.stderr(), 'holdfast: wrong password for /backups\nhint: try another\n');
  const verbose = open({ verbosity: 'verbose' });
  verbose.output.fatal(error);
  assert.match(verbose.stderr(), /caused by: Error: MAC differs\n {4}at /);
  const machine = open({ json: true });
  machine.output.fatal(error);
  assert.deepEqual(JSON.parse(machine.stderr()), {
    message_type: 'exit_error',
    code: 12,
    error: 'WRONG_PASSWORD',
    message: 'wrong password for /backups',
    hint: 'try another',
  });
});

test('errors are red on a terminal, unless NO_COLOR is set', () => {
  const coloured = open({}, 80);
  coloured.output.warn('careful');
  assert.equal(coloured.stderr(), '\u001b[33mcareful\u001b[39m\n');
  const plain = open({ noColor: true }, 80);
  plain.output.warn('careful');
  assert.equal(plain.stderr(), 'careful\n');
});

test('without a terminal, progress is a line every thirty seconds', () => {
  const { output, clock, stdout } = open();
  for (let second = 0; second <= 65; second += 1) {
    output.progress('shop', copying(second * 1024 ** 2));
    clock.advance(1000);
  }
  assert.equal(
    stdout(),
    '[0:30]  shop: backup  30.0 MiB  3 items  1.00 MiB/s\n[1:00]  shop: backup  60.0 MiB  3 items  1.00 MiB/s\n',
  );
});

test('with a terminal, progress is drawn in place ten times a second at most and gives way to lines', () => {
  const { output, clock, stdout } = open({}, 60);
  for (let step = 0; step < 100; step += 1) {
    clock.advance(10);
    output.progress('shop', copying(step * 1024, { current: 'public.orders' }));
  }
  const draws = stdout().split('\r').length - 1;
  assert.ok(draws >= 9 && draws <= 10, `${draws} draws in a second`);
  output.say({ message_type: 'x' }, 'a line');
  assert.ok(stdout().endsWith('\r\u001b[Ka line\n'));
  assert.doesNotMatch(stdout().replaceAll('\r', '\n'), /[^\n]{64}/);
});

test('with --json, progress is an object a second with the time left', () => {
  const { output, clock, stdout } = open({ json: true });
  for (let second = 0; second <= 4; second += 1) {
    output.progress('shop', copying(second * 100, { totalBytes: 1000 }));
    clock.advance(1000);
  }
  const messages = stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(messages.length, 4);
  assert.deepEqual(messages[3], {
    message_type: 'status',
    subject: 'shop',
    phase: 'backup',
    seconds_elapsed: 4,
    seconds_remaining: 6,
    bytes_done: 400,
    total_bytes: 1000,
    items_done: 3,
    bytes_per_second: 100,
  });
});

test('a progress line is never longer than the terminal is wide', () => {
  for (const columns of [1, 10, 40, 100]) {
    const { output, clock, stdout } = open({}, columns);
    output.progress('漢字'.repeat(10), copying(1, { current: 'n'.repeat(200) }));
    clock.advance(1000);
    output.tick();
    const drawn = stdout().replaceAll('\r', '').replaceAll('\u001b[K', '');
    assert.ok([...drawn].length < Math.max(columns, 1), `"${drawn}" in ${columns} columns`);
  }
});

test('a terminal that does not know its width is taken for one of 80 columns', () => {
  const { output, clock, stdout } = open({}, 0);
  output.progress('shop', copying(1, { current: 'n'.repeat(200) }));
  clock.advance(1000);
  output.tick();
  assert.match(stdout(), /shop: backup.*n{8}/);
});

test('a slow reader of results is waited for', async () => {
  const slow = new PassThrough({ highWaterMark: 10 });
  const { output } = open({ stdout: slow });
  let done = false;
  const writing = output.result(undefined, 'longer than ten bytes').then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  assert.equal(done, false);
  slow.resume();
  await writing;
  assert.equal(done, true);
});

test('a reader that has gone ends a listing, but not the events of a backup', async () => {
  const gone = new PassThrough();
  const { output } = open({ stdout: gone });
  gone.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  await new Promise((resolve) => gone.once('close', resolve));
  output.say({ message_type: 'x' }, 'goes nowhere');
  await assert.rejects(output.result(undefined, 'row'), ReaderGone);
  await assert.rejects(output.bytes(Buffer.from('x')), ReaderGone);
});
