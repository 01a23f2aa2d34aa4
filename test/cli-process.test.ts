// What only a process of its own can show: signals, pipes, locks of others, terminals, the package.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { before, test } from 'node:test';
import { openRepository } from '../src/repository/repository.ts';
import { openLocalStore } from '../src/stores/local/local.ts';
import { compiledCode, jsonLines, runCli, startCli } from './tools/cli.ts';
import { hastenKey } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const root = join(import.meta.dirname, '..');
const main = join(root, 'src', 'main.ts');
const folder = temporaryFolder('process');
const at = (...parts: string[]): string => join(folder, ...parts);
const env = {
  HOLDFAST_REPOSITORY: at('backups'),
  HOLDFAST_PASSWORD: 'secret',
  HOLDFAST_CATALOG: at('catalog.db'),
};
const locks = (): string[] => readdirSync(at('backups', 'locks'));

before(async () => {
  mkdirSync(at('many'));
  for (let index = 0; index < 4000; index += 1)
    writeFileSync(at('many', `${index} a file with a rather long name`), '');
  writeFileSync(at('many', 'large'), Buffer.alloc(2 ** 20, 'large '));
  using db = new DatabaseSync(at('shop.db'));
  db.exec('CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1)');
  assert.equal((await runCli(['init'], { env })).status, 0);
  await hastenKey(at('backups'));
  assert.equal((await runCli(['backup', at('many')], { env })).status, 0);
});

/** Resolves as soon as the process has written this. */
const written = (child: ChildProcess, text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: Buffer): void => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('close', () => reject(new Error(`ended without "${text}": ${seen}`)));
  });

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} in the middle of a backup ends it with 130, its lock removed, and the next one goes on`, async () => {
    using db = new DatabaseSync(at('shop.db'));
    db.exec('BEGIN EXCLUSIVE'); // the backup waits for us
    const running = startCli(['backup', at('shop.db')], { env });
    await written(running.process, 'shop: backing up');
    assert.equal(locks().length, 1);
    running.process.kill(signal);
    const { status, stderr } = await running.result;
    assert.deepEqual(
      { status, stderr, locks: locks() },
      { status: 130, stderr: 'holdfast: cancelled\n', locks: [] },
    );
    db.exec('ROLLBACK');
    assert.match((await runCli(['runs', 'latest'], { env })).stdout, /^backup: cancelled$/m);
    assert.equal((await runCli(['backup', at('shop.db')], { env })).status, 0);
  });

test('a machine whose name does not last goes on with its snapshots under the name that it is given', async () => {
  const named = { env: { ...env, HOLDFAST_HOST: 'web-1' } };
  mkdirSync(at('site'));
  for (const text of ['one', 'two']) {
    writeFileSync(at('site', 'index.html'), text);
    assert.equal((await runCli(['backup', at('site')], named)).status, 0);
  }
  const { stdout } = await runCli(['snapshots', '--host', 'web-1', '--json'], { env });
  const [first, second] = jsonLines(stdout);
  assert.deepEqual([first?.hostname, second?.hostname, second?.parent], ['web-1', 'web-1', first?.id]);
  assert.equal((await runCli(['backup', at('site')], { env: { ...env, HOLDFAST_HOST: 'web 1' } })).status, 2);
});

test('the password is read from a pipe, which can be read only once', () => {
  for (const [password, expected] of [
    ['secret', 0],
    ['another', 12],
  ] as const) {
    const line = `printf %s ${password} | "$NODE" "$MAIN" snapshots --password-file /dev/stdin`;
    const { status } = spawnSync('sh', ['-c', line], {
      env: { ...process.env, HOLDFAST_REPOSITORY: at('backups'), NODE: process.execPath, MAIN: main },
    });
    assert.equal(status, expected);
  }
});

test('SIGHUP without a terminal, as under nohup, ends nothing', async () => {
  using db = new DatabaseSync(at('shop.db'));
  db.exec('BEGIN EXCLUSIVE');
  const running = startCli(['backup', at('shop.db')], { env });
  await written(running.process, 'shop: backing up');
  running.process.kill('SIGHUP');
  db.exec('ROLLBACK');
  assert.equal((await running.result).status, 0);
});

test('a repository that others have locked is status 11, and unlock frees what nobody holds', async () => {
  await using store = openLocalStore(at('backups'));
  {
    const signal = new AbortController().signal;
    await using _ = await openRepository(store, 'secret', { lock: 'exclusive', signal });
    const { status, stderr } = await runCli(['backup', at('shop.db')], { env });
    assert.equal(status, 11);
    assert.match(stderr, /lock.*\nhint: .*unlock/is);
    assert.equal((await runCli(['unlock'], { env })).stdout, 'no lock to remove\n');
    assert.equal((await runCli(['snapshots', '--no-lock'], { env })).status, 0);
    assert.equal((await runCli(['unlock', '--remove-all'], { env })).stdout, 'removed 1 lock\n');
  }
  assert.equal((await runCli(['backup', at('shop.db')], { env })).status, 0);
});

/** $PIPESTATUS is the status of the first of the piped programs. */
const inShell = (line: string): string =>
  execFileSync('bash', ['-c', line], {
    env: { ...compiledCode, ...env, PATH: process.env.PATH, node: process.execPath, main },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

test('in a folder that was removed meanwhile, whatever needs one says so', () => {
  const gone = (words: string): string =>
    inShell(
      `mkdir ${at('gone')} && cd ${at('gone')} && rmdir ${at('gone')} && "$node" "$main" ${words} 2>&1; echo $?`,
    );
  writeFileSync(at('fresh'), randomBytes(100_000));
  for (const words of [`backup ${at('fresh')}`, 'backup shop.db'])
    assert.match(gone(words), /the folder that this runs in was removed\nhint: go to one.*\n2\n$/, words);
  assert.match(gone('snapshots'), /\n\d+ snapshots\n0\n$/);
});

test('a reader that goes away ends a listing and a dump quietly, and never a backup', () => {
  const first = inShell('"$node" "$main" ls latest:many 2>&1 | head -n 1; echo $PIPESTATUS');
  assert.equal(first, '/many\n141\n');
  const bytes = inShell('"$node" "$main" dump latest:many large 2>&1 | head -c 6; echo $PIPESTATUS');
  assert.equal(bytes, 'large 141\n');
  const backup = inShell(`"$node" "$main" backup ${at('shop.db')} 2>&1 | true; echo $PIPESTATUS`);
  assert.equal(backup, '0\n');
});

test('what could not be printed is no success, but for what a backup tells', () => {
  const full = (words: string): string => inShell(`"$node" "$main" ${words} 2>&1 > /dev/full; echo $?`);
  for (const words of [
    'dump latest:shop /shop/manifest.json',
    'snapshots',
    'ls latest:many --json',
    '--help',
  ]) {
    const said = full(words);
    assert.match(said, /cannot write to standard output.*ENOSPC/, words);
    assert.match(said, /\n1\n$/, words);
  }
  assert.match(full(`backup ${at('shop.db')}`), /^cannot write to standard output.*\n0\n$/);
});

test('a dump of which a nearly full disk takes the first bytes is no success', () => {
  const said = inShell(
    `(ulimit -f 1000; "$node" "$main" dump latest:many large 2>&1 > ${at('cut')}); echo $?; stat -c %s ${at('cut')}`,
  );
  assert.match(said, /cannot write to standard output.*EFBIG.*\n(?:.*\n)*1\n1024000\n$/);
});

test('a dump into a file is every byte', () => {
  inShell(`"$node" "$main" dump latest:many large > ${at('dumped')}`);
  execFileSync('cmp', [at('dumped'), at('many', 'large')]);
});

/** Runs Holdfast on a terminal of its own; `script` is util-linux's. */
const onTerminal = (words: string, more: Record<string, string>): ChildProcess =>
  spawn('script', ['-qec', `"$node" "$main" ${words}`, '/dev/null'], {
    env: {
      ...compiledCode,
      HOME: '/nonexistent',
      TERM: 'xterm',
      PATH: process.env.PATH,
      node: process.execPath,
      main,
      ...more,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });

test('on a terminal the password is asked for and not shown', async (context) => {
  if (!existsSync('/usr/bin/script')) return context.skip('needs script, of util-linux');
  const { HOLDFAST_PASSWORD: _, ...asking } = env;
  const child = onTerminal('snapshots', asking);
  let shown = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  await written(child, 'password for ');
  child.stdin?.write('secret\r');
  const [status] = await once(child, 'close');
  assert.equal(status, 0, shown);
  assert.doesNotMatch(shown, /secret/);
  assert.match(shown, /many/);
});

test('a terminal that is closed, told by the system and by the shell, lets a command end by itself', (context) => {
  if (!existsSync('/usr/bin/script')) return context.skip('needs script, of util-linux');
  const closing = `import { onSignals } from '${join(root, 'src', 'cli', 'signals.ts')}';
    const { signal } = onSignals();
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    console.log(signal.aborted ? 'ends by itself' : 'goes on');`;
  writeFileSync(at('closing.mjs'), closing);
  const said = execFileSync('script', ['-qec', `${process.execPath} ${at('closing.mjs')}`, '/dev/null']);
  assert.equal(said.toString(), 'ends by itself\r\n');
});

test('a signal that comes twice at once is one, as timeout sends it; a later one ends the process', () => {
  const twice = `import { onSignals } from '${join(root, 'src', 'cli', 'signals.ts')}';
    let time = 1000;
    const { signal } = onSignals(() => time);
    process.emit('SIGTERM');
    process.emit('SIGTERM');
    console.log(signal.aborted ? 'ends by itself' : 'goes on');
    time += 1000;
    process.emit('SIGTERM');
    console.log('goes on');`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', twice]);
  assert.deepEqual([status, stdout.toString()], [130, 'ends by itself\n']);
});

test('help begins at once: it loads no command and no heavy package', () => {
  const listing = `import { registerHooks } from 'node:module';
    registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) });`;
  writeFileSync(at('listing.mjs'), listing);
  const { stderr } = spawnSync(process.execPath, ['--import', at('listing.mjs'), main, '--help'], {
    encoding: 'utf8',
    env: { HOME: '/nonexistent' },
  });
  const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'));
  assert.ok(loaded.some((url) => url.endsWith('/src/cli/command-line.ts')));
  const heavy = loaded.filter((url) => /src\/(?!main|cli|lib)|node_modules\/(?!commander)/.test(url));
  assert.deepEqual(heavy, []);
  assert.ok(loaded.length < 40, `${loaded.length} files`);
});

test('the package runs what a clone runs', () => {
  const installed = at('installed', 'node_modules', 'holdfast');
  mkdirSync(installed, { recursive: true });
  execFileSync(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    join(root, 'scripts', 'package.ts'),
  ]);
  const [pack] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    }),
  ) as [{ filename: string; files: { path: string }[] }];
  const strangers = pack.files.filter(
    ({ path }) => !/^(dist\/|docs\/|package.json$|README.md$|LICENSE$)/.test(path),
  );
  assert.deepEqual(strangers, []);
  assert.deepEqual(
    pack.files.filter(({ path }) => /\.test\.|\/testing[.-]/.test(path)),
    [],
  );
  execFileSync('tar', ['-xzf', at(pack.filename), '-C', installed, '--strip-components=1']);
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(dirname(installed), name));
  const holdfast = (...words: string[]): string =>
    execFileSync(process.execPath, [join(installed, 'dist', 'main.js'), ...words], {
      env: { ...env, HOLDFAST_CATALOG: at('other.db') },
      encoding: 'utf8',
    });
  assert.match(holdfast('version'), /^holdfast \d+\.\d+\.\d+ /);
  assert.match(holdfast('backup', at('shop.db')), /^shop: snapshot \w{8}/m);
  assert.match(holdfast('verify', 'latest:shop'), /is what was captured/);
  assert.match(holdfast('runs'), /backup +succeeded/);
});
