// One holdfast.yaml with every engine: one job backs them all up, and each is listed, searched, read, verified and brought back.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createRowCounter } from '#lib/row-checksum.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { openRepository } from '#repository/repository.ts';
import { neverFires, testPassword, writeOptions } from '#repository/testing.ts';
import { manifestName, manifestSchema } from '#sources/manifest.ts';
import type { Entry } from '#sources/source.ts';
import { quoteName } from '#sources/sqlite/identifiers.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { skipWithoutCouch } from './servers/couchdb.ts';
import { skipWithoutMongodb } from './servers/mongodb.ts';
import { skipWithout } from './servers/programs.ts';
import { jsonLines } from './tools/cli.ts';
import { type Engine, startEngines } from './tools/engines.ts';
import { makeRepository } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithout('postgresql', 'mariadb') ?? skipWithoutMongodb() ?? (await skipWithoutCouch());
const kinds = ['postgres', 'mysql', 'mongodb', 'couchdb', 'sqlserver', 'sqlite', 'files'] as const;

/** Of a password in a URL, and of what SQL Server's single tables come without. */
const expectedLine = /^$|^the password in |^hint: keep it in |^triggers, .* of sales\.orders are not made/;

suite('one configuration for all engines', { skip: skip ?? false }, () => {
  const folder = temporaryFolder('engines');
  const at = (name: string): string => join(folder, name);
  const engines = new Map<string, Engine>();
  const env: Record<string, string> = {
    HOLDFAST_CONFIG: at('holdfast.yaml'),
    HOLDFAST_CATALOG: at('catalog.db'),
    HOME: at('home'),
  };

  before(async () => {
    for (const engine of await startEngines(folder)) {
      engines.set(engine.kind, engine);
      Object.assign(env, engine.env);
    }
    const sources = [...engines.values()].map(({ kind, source }) => `  ${kind}: ${source}\n`);
    writeFileSync(
      at('holdfast.yaml'),
      `repositories:
  here: { store: ${at('backups')}, password: ${testPassword} }
sources:
${sources.join('')}jobs:
  nightly: { backup: [${kinds.join(', ')}], to: [here] }
`,
      { mode: 0o600 },
    );
    await makeRepository(at('backups'));
    await done('backup', 'nightly');
  });
  after(async () => {
    await Promise.all([...engines.values()].map((engine) => engine[Symbol.asyncDispose]()));
  });

  const engineOf = (kind: string): Engine => engines.get(kind)!;
  const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Outcome> =>
    holdfast(words, { env: { ...env, ...more } });
  const done = async (...words: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(words);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, words.join(' '));
    return stdout;
  };
  const restored = async (kind: string, ...words: readonly string[]): Promise<void> => {
    const { status, stdout, stderr } = await run(['restore', `latest:${kind}`, ...words]);
    assert.equal(status, 0, `${stdout}${stderr}`);
    assert.deepEqual(
      stderr.split('\n').filter((line) => !expectedLine.test(line)),
      [],
    );
  };

  test('the run made a snapshot of each, and all are what was captured', async () => {
    const listed = jsonLines(await done('snapshots', '--json')).filter(({ source }) => source !== undefined);
    assert.deepEqual(listed.map(({ source }) => source).toSorted(), kinds.toSorted());
    const verified = await done('verify');
    for (const kind of kinds)
      assert.match(verified, new RegExp(`^${kind}: snapshot \\w{8} is what was captured`, 'm'));
  });

  for (const kind of kinds) {
    test(`${kind}: a file of it is listed, found and read`, async () => {
      const { entry, text, find } = engineOf(kind);
      assert.ok((await done('ls', `latest:${kind}`)).includes(`/${kind}/${entry}\n`));
      assert.match(await done('find', ...find, '--source', kind), new RegExp(`/${kind}/`));
      assert.ok((await done('dump', `latest:${kind}`, entry)).includes(text));
    });

    test(`${kind}: all of it comes back under another name, and is refused where it is`, async () => {
      const { copy, seen } = engineOf(kind);
      await restored(kind, '--to', copy);
      assert.deepEqual(await seen('copy'), await seen('original'));
      assert.equal((await run(['restore', `latest:${kind}`, '--to', copy])).status, 15);
    });

    test(`${kind}: a part of it comes back alone`, async () => {
      const { part, partSeen, partWanted } = engineOf(kind);
      await restored(kind, ...part);
      const seen = await partSeen();
      assert.ok(seen);
      assert.deepEqual(seen, await partWanted());
    });

    if (kind !== 'files')
      test(`${kind}: all rows of its tables can be asked for in SQL`, async () => {
        const tables = jsonLines(await done('query', `latest:${kind}`, '--json')).slice(0, -1);
        assert.ok(tables.length > 0);
        for (const { table, rows, columns } of tables) {
          const [, schema = '', rest = ''] = /^(?:([^.]*)\.)?(.*)$/s.exec(`${table}`)!;
          const name = [schema, rest].filter(Boolean).map(quoteName).join('.');
          const lines = jsonLines(await done('query', `latest:${kind}`, `SELECT * FROM ${name}`, '--json'));
          assert.deepEqual(lines.at(-1), { message_type: 'summary', rows });
          const names = (columns as { name: string }[]).map((column) => column.name);
          for (const { values } of names.length === 0 ? [] : lines.slice(0, -1))
            assert.deepEqual(Object.keys(values as object), names);
        }
      });

    if (kind !== 'files')
      test(`${kind}: a row that changed is told, with what it was and is`, async () => {
        const { entry, text, other, row } = engineOf(kind);
        await using store = openLocalStore(at('backups'));
        await using repository = await openRepository(store, testPassword, {
          lock: 'shared',
          signal: neverFires,
        });
        const later = await withOther(repository, kind, { entry, text, other, counted: true });
        const told = await done('diff', `latest:${kind}`, later.id, '--rows');
        assert.ok(told.split('\n').includes(`M  ${kind}${row}`), told);
        assert.match(told, / 0 rows added, 0 removed, 1 changed, in 1 of \d+ tables?\n$/);

        const lines = jsonLines(await done('diff', `latest:${kind}`, later.id, '--rows', '--json'));
        const changed = lines.find(({ message_type: type }) => type === 'row');
        const key = Object.entries(changed?.key as Record<string, string>);
        const words = [
          '--table',
          `${changed?.table}`,
          ...key.flatMap(([name, value]) => ['--row', `${name}=${value}`]),
        ];
        const found = jsonLines(await done('find', ...words, '--source', kind, '--json'));
        for (const [id, values] of [
          [lines.at(-1)?.before, changed?.before],
          [later.id, changed?.after],
        ])
          assert.ok(
            found.some((row) => row.snapshot_id === id && isDeepStrictEqual(row.values, values)),
            told,
          );

        const outcome = await run(['restore', later.id, ...words, '--to', at(`${kind}-row`)]);
        if (kind === 'mongodb' || kind === 'couchdb') return assert.match(outcome.stderr, /with --document/);
        const kept = readFileSync(at(`${kind}-row/${entry}`), 'utf8');
        assert.ok(kept.includes(other) && kept.indexOf('\n') === kept.length - 1, kept);
      });

    // Of a file nothing is said but by the repository, which reads no byte that is another than its hash says.
    if (kind !== 'files')
      test(`${kind}: one row that is another than was captured is a difference`, async () => {
        const { entry, text, other } = engineOf(kind);
        await using store = openLocalStore(at('backups'));
        await using repository = await openRepository(store, testPassword, {
          lock: 'shared',
          signal: neverFires,
        });
        const damaged = await withOther(repository, kind, { entry, text, other });
        const { status, stdout, stderr } = await run(['verify', damaged.id]);
        assert.equal(status, 4, stdout);
        assert.match(
          `${stdout}${stderr}`,
          new RegExp(`${kind}\\S*: table .*: its rows are not those captured`),
        );
      });
  }

  test('sources with a wrong password are told by name, and the others are stored', async () => {
    const wrong = [...engines.values()].flatMap(({ kind, wrong: words }) => (words ? [{ kind, words }] : []));
    const { status, stdout, stderr } = await run(
      ['backup', 'nightly', '--json'],
      Object.assign({}, ...wrong.map(({ words }) => words)),
    );
    assert.equal(status, 3);
    const lines = jsonLines(stdout);
    const of = (type: string) => lines.filter(({ message_type }) => message_type === type);
    assert.deepEqual(
      of('source_failed')
        .map(({ source, error }) => [source, error])
        .toSorted(),
      wrong.map(({ kind }) => [kind, 'SOURCE_DENIED']).toSorted(),
    );
    assert.deepEqual(
      of('source_done')
        .map(({ source }) => source)
        .toSorted(),
      ['files', 'sqlite'],
    );
    assert.ok(!`${stdout}${stderr}`.includes('wr0ng'));
  });
});

interface Change {
  readonly entry: string;
  readonly text: string;
  readonly other: string;
  /** Its manifest has it, as if it had changed in the source. */
  readonly counted?: boolean;
}

/** The newest snapshot of a source once more, with another text in one of its files. */
const withOther = async (repository: Repository, source: string, change: Change): Promise<Snapshot> => {
  const snapshots = await repository.snapshots();
  const newest = snapshots.findLast(({ tags }) => tags.includes(`source:${source}`));
  assert.ok(newest);
  const { snapshot } = await repository.write(changed(repository, newest, source, change), {
    ...writeOptions({ root: source, tags: newest.tags, time: new Date(newest.time.getTime() - 1) }),
  });
  assert.ok(snapshot);
  return snapshot;
};

async function* changed(
  repository: Repository,
  snapshot: Snapshot,
  root: string,
  { entry, text, other, counted = false }: Change,
): AsyncGenerator<Entry> {
  let found = false;
  let rows = Buffer.alloc(0);
  for await (const { content, ...rest } of repository.read(snapshot, { path: root, root })) {
    if (!content) {
      yield rest;
      continue;
    }
    const bytes = Buffer.concat(await Array.fromAsync(content(), (piece) => Buffer.from(piece)));
    const was = bytes.toString('latin1');
    const now = rest.path === entry ? was.replace(text, other) : was;
    found ||= now !== was;
    if (rest.path === entry) rows = Buffer.from(now, 'latin1');
    const isManifest = counted && basename(rest.path) === manifestName;
    yield {
      ...rest,
      content: () => [isManifest ? counting(bytes, entry, rows) : Buffer.from(now, 'latin1')],
    };
  }
  assert.ok(found, `${entry} does not hold ${text}`);
}

/** The manifest with the count of these rows for the table that lies there. */
const counting = (manifest: Buffer, entry: string, rows: Buffer): Buffer => {
  const parsed = manifestSchema.parse(JSON.parse(manifest.toString('utf8')));
  const tables = parsed.tables.map((table) => {
    if (!table.entries.some((path) => entry.endsWith(path))) return table;
    const counter = createRowCounter(table.format);
    counter.update(rows);
    return { ...table, ...counter.finish() };
  });
  return Buffer.from(JSON.stringify({ ...parsed, tables }));
};
