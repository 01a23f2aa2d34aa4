// Mirrors whose query gives rows that make no sense.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('queries of mirrors', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('mirror-query');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let postgres: PostgresServer;
  before(async () => {
    postgres = await startPostgres();
  });
  after(async () => await postgres?.[Symbol.asyncDispose]());
  const sql = (text: string): Promise<string> => postgres.psql('postgres', text);
  const mirror = (...words: string[]): Promise<Outcome> =>
    holdfast(['mirror', ...words], { env: { HOLDFAST_CONFIG: at('holdfast.yaml') } });
  const configure = (query: string): void => {
    const { port, user, password } = postgres;
    const catalogue = {
      ...{ kind: 'postgres', host: '127.0.0.1', port, user, database: 'postgres' },
      password: { file: at('password') },
    };
    const files = { mirror: at('from'), to: at('to'), listedBy: { source: 'catalogue', query } };
    const file = { sources: { catalogue }, jobs: { files }, catalog: at('catalog.db') };
    writeFileSync(at('password'), password, { mode: 0o600 });
    writeFileSync(at('holdfast.yaml'), JSON.stringify(file), { mode: 0o600 });
  };
  beforeEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(at('from'), { recursive: true });
    for (const name of ['a', 'b', 'c']) writeFileSync(at('from', name), name);
    await sql('drop table if exists listed');
  });

  test('a text that is no time holds up nothing that is new', async () => {
    await sql(`create table listed (path text, created text);
      insert into listed values ('a', '2026-01-01'), ('b', '2026-99-99 or so')`);
    configure('select * from listed');
    assert.equal((await mirror()).status, 0);
    await sql("insert into listed values ('c', '2026-01-02')");
    assert.match((await mirror()).stdout, /1 copied .* 2 were OK already/);
    await sql("update listed set created = '2026-01-01' where path = 'b'");
    assert.match((await mirror()).stdout, /0 failed, 1 were OK already/, 'only what may be new is listed');
  });

  test('a name that two rows give to different files fails in every run until one of them is gone', async () => {
    await sql("create table listed as select 'a' as path, unnest(array['b', 'c']) as read_path");
    configure('select * from listed');
    for (const words of [[], ['--rerun'], ['--rerun']]) {
      const { status, stderr } = await mirror(...words);
      assert.equal(status, 3);
      assert.match(stderr, /a: it is listed twice, with other contents each time/);
    }
    await sql("delete from listed where read_path = 'b'");
    assert.equal((await mirror('--rerun')).status, 0);
    assert.equal(readFileSync(at('to', 'a'), 'utf8'), 'c');
  });

  test('a query that breaks while it is read is told as what it is', async () => {
    configure("select (1 / (600 - i))::text || 'a' as path from generate_series(1, 1000) i");
    const { status, stderr } = await mirror();
    assert.equal(status, 13);
    assert.match(stderr, /the query is refused: division by zero\nhint: try it with psql/);
  });

  test('statuses are CSV as it is, and on a terminal nothing that it would obey', async () => {
    configure("select e'\\u001b[31mred' as path");
    await mirror();
    assert.ok((await mirror('--statuses')).stdout.includes(',\u001b[31mred,FAIL_READ,'));
    const env = { HOLDFAST_CONFIG: at('holdfast.yaml') };
    const { stdout } = await holdfast(['mirror', '--statuses'], { env, columns: 80 });
    assert.match(stdout, /,\\x1b\[31mred,FAIL_READ,.*[^\r]\n$/);
  });
});
