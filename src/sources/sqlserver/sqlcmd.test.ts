// A restore without Holdfast, as docs/sources/sqlserver.md has it: the shell's part is run, and sqlcmd's is read as sqlcmd would.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { configSchema, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { dumpOf, rememberRows, startPlainServer } from './testing.ts';

const server = await startPlainServer(shop, ['shop']);
const target = await startPlainServer(shop, []);
const folder = mkdtempSync(join(tmpdir(), 'holdfast-sqlcmd-'));
after(async () => {
  await server[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
const entries = await dumpOf({ url: server.url('shop') });
rememberRows(entries, shop);
for (const { path, content } of entries.filter(({ type }) => type === 'file')) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content ?? '');
}

/** The command of the documentation that makes rows.sql. */
const rowsCommand = /^find data .* > rows\.sql$/m.exec(
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'sources', 'sqlserver.md'), 'utf8'),
)?.[0];

/** What sqlcmd sends: the lines between those that say GO, without batches of nothing. */
const batchesOf = (file: string): string[] =>
  readFileSync(join(folder, 'shop', file), 'utf8')
    .split(/^GO[ \t]*\n/m)
    .map((batch) => batch.replace(/^(?:-- .*\n|\n)+(?=\S)/, '').trim())
    .filter((batch) => batch !== '' && !batch.startsWith('-- '));

test('the files load in the order of their names, in batches that a server can take', async () => {
  assert.ok(rowsCommand);
  execFileSync('sh', ['-c', rowsCommand], { cwd: join(folder, 'shop') });
  const rows = batchesOf('rows.sql');
  assert.ok(rows.every((batch) => batch.split('\n').length <= 500));

  const settings = settingsOf(configSchema.parse({ url: target.url('shop') }));
  const { signal } = new AbortController();
  {
    await using admin = await connect(settings, 'master', signal);
    await admin.run(...batchesOf('00-database.sql'));
  }
  await using session = await connect(settings, 'shop', signal);
  await session.run(...batchesOf('01-schema.sql'));
  for (const batch of rows) if (!batch.includes('#holdfast_rows')) await session.run(batch);
  for (const [name, expected] of Object.entries(shop.rows))
    if (!name.includes('\n'))
      assert.equal(target.databases.get('shop')?.rows.get(name)?.length, expected.length, name);
});

test('identity values are switched on around the rows of their table, and only there', () => {
  const around = batchesOf('rows.sql').filter((batch) =>
    /IDENTITY_INSERT|INTO \[dbo\]\.\[customers\]/.test(batch),
  );
  assert.deepEqual(
    around.map((batch) => batch.split(' ').slice(0, 4).join(' ').split('\n')[0]),
    [
      'SET IDENTITY_INSERT [dbo].[customers] ON;',
      'INSERT INTO [dbo].[customers] ([id],[email],[code],[guid])',
      'SET IDENTITY_INSERT [dbo].[customers] OFF;',
    ],
  );
});

test('rows of a table whose name has a line break go by way of a table whose name has none', () => {
  const detour = batchesOf('rows.sql').filter((batch) => batch.includes('#holdfast_rows'));
  assert.deepEqual(
    detour.map((batch) => batch.split(' ').slice(0, 3).join(' ')),
    ['SELECT * INTO', 'INSERT INTO #holdfast_rows', "INSERT INTO [dbo].[Ta]]b'le"],
  );
});

test('what follows the rows is no batch that breaks off, whatever stands in a procedure', () => {
  const batches = batchesOf('post-data.sql');
  assert.ok(
    batches.some((batch) =>
      /^DECLARE @batch nvarchar\(max\) = REPLACE\(N'CREATE PROC \[dbo\]\.\[act\]/.test(batch),
    ),
  );
  for (const batch of batches)
    assert.match(batch, /^(?:--.*\n)*(?:CREATE|ALTER|SET|DECLARE|DISABLE|SELECT NEXT|IF|EXEC|GRANT|DENY)\b/);
});
