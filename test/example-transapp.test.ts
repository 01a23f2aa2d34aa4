// docs/examples/transapp, from end to end: a sender and a receiver on PostgreSQL.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { holdfast, type Outcome } from '../src/cli/testing.ts';
import { type PostgresServer, startPostgres } from './servers/postgres.ts';
import { skipWithout } from './servers/programs.ts';
import { hastenKey } from './tools/repository.ts';
import { temporaryFolder } from './tools/temp.ts';

const example = join(import.meta.dirname, '../docs/examples/transapp');

suite('the example of TranSapp', { skip: skipWithout('postgresql') }, () => {
  const folder = temporaryFolder('transapp');
  const at = (...parts: string[]): string => join(folder, ...parts);
  let server: PostgresServer;
  const run = (side: 'sender' | 'receiver', ...words: string[]): Promise<Outcome> =>
    runWith({}, side, ...words);
  const runWith = (
    env: Record<string, string>,
    side: 'sender' | 'receiver',
    ...words: string[]
  ): Promise<Outcome> =>
    holdfast([...words, '--config', join(example, `${side}.yaml`)], {
      env: {
        HUB: at('hub'),
        HUB_PASSWORD_FILE: at('hub.key'),
        TRANSAPP_URL: server.url(side === 'sender' ? 'transapp' : 'received'),
        TRANSAPP_MEDIA: at(side, 'media'),
        TRANSAPP_REPORTED: at('receiver', 'reported'),
        DATA_DISK: folder,
        DATA_FREE: '1M',
        POST_PROCESSING: `echo done >> ${at('post-processed')}`,
        HOLDFAST_CATALOG: at(`${side}.db`),
        HOME: at('home'),
        ...env,
      },
    });
  const well = async (...words: Parameters<typeof run>): Promise<string> => {
    const { status, stdout, stderr } = await run(...words);
    assert.equal(status, 0, stderr + stdout);
    return stdout;
  };

  before(async () => {
    server = await startPostgres();
    await server.psql('postgres', 'create database transapp');
    await server.psql(
      'transapp',
      `create table "AndroidRequests_busstop" (code text primary key, name text);
        create table "AndroidRequests_report" (id serial primary key, message text, "imageName" text, "timeStamp" timestamptz default now());
        create table "AndroidRequests_eventforbusstop" (id serial primary key, "busStop_id" text references "AndroidRequests_busstop",
          "timeStamp" timestamptz default now());
        insert into "AndroidRequests_busstop" values ('PA1', 'one');`,
    );
    for (const name of ['sender', 'receiver', 'home']) mkdirSync(at(name));
    mkdirSync(at('sender', 'media'));
    writeFileSync(at('sender', 'media', 'first.jpg'), 'first');
    writeFileSync(at('hub.key'), 'secret', { mode: 0o600 });
    await well('sender', 'init');
    await hastenKey(at('hub'));
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  test('what was complete, and what changed since, is loaded and processed', async () => {
    await well('sender', 'run', 'complete');
    await well('receiver', 'run', 'follow');
    assert.equal(readFileSync(at('receiver', 'media', 'first.jpg'), 'utf8'), 'first');
    writeFileSync(at('sender', 'media', 'second.jpg'), 'second');
    await server.psql(
      'transapp',
      `insert into "AndroidRequests_busstop" values ('PA2', 'two'); insert into "AndroidRequests_eventforbusstop" ("busStop_id") values ('PA2');
        insert into "AndroidRequests_report" (message, "imageName") values ('late', 'second.jpg')`,
    );
    await well('sender', 'run', 'changes');
    assert.match(await well('receiver', 'run', 'follow'), /1 partial snapshot applied, 3 rows/);
    const rows =
      'select * from "AndroidRequests_report"; select * from "AndroidRequests_eventforbusstop"; select * from "AndroidRequests_busstop"';
    assert.equal(await server.psql('received', rows), await server.psql('transapp', rows));
    assert.equal(readFileSync(at('receiver', 'reported', 'second.jpg'), 'utf8'), 'second');
    assert.equal(readFileSync(at('post-processed'), 'utf8'), 'done\ndone\n');
    assert.match(await well('receiver', 'status'), /transapp +transapp +\d+ s behind/);
  });

  test('a picture that is gone is told, and the rows arrive without it', async () => {
    await server.psql(
      'transapp',
      `insert into "AndroidRequests_report" (message, "imageName") values ('lost', 'lost.jpg')`,
    );
    const { status, stderr } = await run('sender', 'run', 'changes');
    assert.equal(status, 3);
    assert.match(stderr, /lost\.jpg .*cannot be read/);
    await well('receiver', 'run', 'follow');
    assert.match(await server.psql('received', 'select message from "AndroidRequests_report"'), /lost/);
    assert.equal(existsSync(at('receiver', 'reported', 'lost.jpg')), false);
  });

  test('a sender that is lost comes back as of its last changes, and goes on', async () => {
    await server.psql('postgres', 'drop database transapp');
    await well('sender', 'restore', 'latest:media', '--to', at('new', 'media'));
    const env = {
      TRANSAPP_URL: server.url('transapp'),
      TRANSAPP_MEDIA: at('new', 'received'),
      TRANSAPP_REPORTED: at('new', 'reported'),
      HOLDFAST_CATALOG: at('new.db'),
    };
    const { status, stderr } = await runWith(env, 'receiver', 'run', 'follow');
    assert.equal(status, 0, stderr);
    const [, sequences = ''] =
      /<<'SQL'\n(.*?)SQL\n/s.exec(readFileSync(join(example, 'README.md'), 'utf8')) ?? [];
    await server.psql('transapp', `drop schema holdfast cascade; ${sequences}`);
    const reports = 'select * from "AndroidRequests_report" order by id';
    assert.equal(await server.psql('transapp', reports), await server.psql('received', reports));
    await server.psql('transapp', `insert into "AndroidRequests_report" (message) values ('after')`);
    assert.equal(readFileSync(at('new', 'media', 'first.jpg'), 'utf8'), 'first');
    assert.equal(readFileSync(at('new', 'reported', 'second.jpg'), 'utf8'), 'second');
  });
});
