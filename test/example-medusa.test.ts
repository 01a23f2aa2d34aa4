// docs/examples/medusa, from end to end, with PostgreSQL in the place of SQL Server.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { holdfast, type Outcome, standingClock } from '../src/cli/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { temporaryFolder } from './tools/temp.ts';

suite('the example of Medusa', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('medusa');
  const site = join(folder, 'sitedata');
  const cloud = join(folder, 'chimera');
  const clock = standingClock();
  let server: PostgresServer;
  let url = '';

  before(async () => {
    server = await startPostgres();
    process.env.PGPASSWORD = server.password;
    await server.psql('postgres', 'CREATE DATABASE plant; CREATE ROLE medusa LOGIN PASSWORD $$medusa$$');
    await server.psql(
      'plant',
      `CREATE TABLE "tbAlarmsEvents" ("SeqNo" bigserial PRIMARY KEY, "Text" text, "DateTimeStamp" timestamp NOT NULL);
       CREATE TABLE "tbLoggedEntities" ("ID" serial PRIMARY KEY, "Name" text, "LastMod" timestamp NOT NULL);
       CREATE TABLE "tbLogTimeValues" ("DateTimeStamp" timestamp NOT NULL, "SeqNo" bigint, "ParentID" int, "Value" float8,
         PRIMARY KEY ("SeqNo", "ParentID"));
       INSERT INTO "tbAlarmsEvents" ("Text", "DateTimeStamp") SELECT 'door', '2026-11-21 01:00:00' FROM generate_series(1, 2500);
       INSERT INTO "tbLoggedEntities" ("Name", "LastMod") VALUES ('fan, "north"', '2026-11-20 00:00:00');
       INSERT INTO "tbLogTimeValues" SELECT '2026-11-21 01:00:00', n, 1, n / 8.0 FROM generate_series(1, 1200) n;
       GRANT SELECT ON ALL TABLES IN SCHEMA public TO medusa;`,
    );
    url = server.url('plant', 'medusa', 'medusa');
    mkdirSync(cloud);
  });
  after(async () => {
    delete process.env.PGPASSWORD;
    await server?.[Symbol.asyncDispose]();
  });

  const run = async (...words: string[]): Promise<Outcome> => {
    const config = join(import.meta.dirname, '../docs/examples/medusa/holdfast.yaml');
    const env = {
      PLANT_KIND: 'postgres',
      PLANT_URL: url,
      SITE_DATA: site,
      CHIMERA_STORE: cloud,
      HOLDFAST_CATALOG: join(folder, 'catalog.db'),
      XDG_STATE_HOME: folder,
    };
    const outcome = await holdfast([...words, '--config', config], { clock, env });
    assert.equal(outcome.status, 0, outcome.stderr);
    return outcome;
  };
  const rowsIn = (place: string, table: string): string[] =>
    readdirSync(place)
      .filter((name) => name.startsWith(`69_${table}_`))
      .flatMap((name) => readFileSync(join(place, name), 'utf8').trimEnd().split('\r\n').slice(1));

  test('everything is exported by a user who may only read, in files of at most a thousand rows', async () => {
    await run('export', 'sitedata');
    assert.deepEqual(
      readdirSync(site)
        .filter((name) => name.includes('tbAlarmsEvents'))
        .toSorted(),
      ['69_tbAlarmsEvents_1001_2000.csv', '69_tbAlarmsEvents_1_1000.csv', '69_tbAlarmsEvents_2001_2500.csv'],
    );
    assert.equal(rowsIn(site, 'tbLogTimeValues').length, 1200, 'although all have the same time');
    assert.deepEqual(rowsIn(site, 'tbLoggedEntities'), ['1,"fan, ""north""",2026-11-20 00:00:00']);
  });

  test('what the other agent has copied is purged; what it has not, stays', async () => {
    for (const name of readdirSync(site))
      if (name !== '69_tbAlarmsEvents_1_1000.csv') copyFileSync(join(site, name), join(cloud, name));
    await run('purge', 'sitedata');
    assert.deepEqual(readdirSync(site), ['69_tbAlarmsEvents_1_1000.csv']);
  });

  test('new, late and changed rows follow, and none of the old ones', async () => {
    await server.psql(
      'plant',
      `INSERT INTO "tbAlarmsEvents" ("Text", "DateTimeStamp") VALUES ('new', '2026-11-21 02:00:00'), ('late', '2026-11-21 00:30:00');
       UPDATE "tbLoggedEntities" SET "Name" = 'fan', "LastMod" = '2026-11-21 02:00:00';
       INSERT INTO "tbLogTimeValues" VALUES ('2026-11-21 01:00:00', 5000, 1, 0);`,
    );
    await run('run', 'sitedata');
    copyFileSync(join(site, '69_tbAlarmsEvents_1_1000.csv'), join(cloud, '69_tbAlarmsEvents_1_1000.csv'));
    await run('purge');
    assert.equal(rowsIn(site, 'tbAlarmsEvents').length, 2);
    assert.deepEqual(rowsIn(site, 'tbLoggedEntities'), ['1,fan,2026-11-21 02:00:00']);
    assert.deepEqual(rowsIn(site, 'tbLogTimeValues'), ['2026-11-21 01:00:00,5000,1,0']);
  });
});
