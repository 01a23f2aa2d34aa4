// `npm run soak` does the same two hundred times.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { exportUnderFire } from './tools/export-fire.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('exports under fire', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('export-fire');
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    process.env.PGPASSWORD = server.password;
    await server.psql('postgres', 'create database plant');
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    await server?.[Symbol.asyncDispose]();
  });

  for (const seed of ['first', 'second'])
    test(`every row is in exactly one file, whatever commits late and is killed (${seed})`, async () => {
      const report = await exportUnderFire({
        url: server.url('plant'),
        folder: join(folder, seed),
        seed,
        steps: 100,
      });
      assert.ok(report.rows > 50 && report.kills > 3, JSON.stringify(report));
    });
});
