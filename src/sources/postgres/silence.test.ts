import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { frozen, whileHoursPass } from '../../../test/tools/frozen.ts';
import { keepsItsPatience } from '../../../test/tools/silence-contract.ts';
import { configFromUrl, settingsOf } from './config.ts';
import { connect } from './connect.ts';
import { openPostgres } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;
let server: PostgresServer;
before(async () => {
  if (skip) return;
  server = await startPostgres();
  await server.psql(
    'postgres',
    `create table t as select i, repeat('x', 1000) as x from generate_series(1, 60000) i`,
  );
});
after(async () => await server?.[Symbol.asyncDispose]());

/** The rows of `t`, begun to be read. */
const beginTable = async () => {
  const source = await openPostgres(server, { url: server.url('postgres'), timeoutSeconds: 600 });
  const entries = source.dump()[Symbol.asyncIterator]();
  for (;;) {
    const { value: entry } = await entries.next();
    if (!entry.path.includes('public.t/') || !entry.content) continue;
    const rows = entry.content()[Symbol.asyncIterator]();
    await rows.next();
    return { source, rest: async () => void (await Array.fromAsync({ [Symbol.asyncIterator]: () => rows })) };
  }
};

test('a server that freezes in the middle of a table is given up', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const { source, rest } = await beginTable();
  {
    using _ = frozen(join(server.socketFolder, 'data/postmaster.pid'));
    const error = await whileHoursPass(t, rest);
    assert.ok(hasCode(error, 'SOURCE_UNREACHABLE'), String(error));
    assert.match(error.message, /silent for 600 s in the middle of table public\.t/);
    assert.match(error.hint ?? '', /timeoutSeconds/);
    await whileHoursPass(t, async () => await source[Symbol.asyncDispose]());
  }
});

test('a session that goes silent while the server answers loses its table', { skip }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { source, rest } = await beginTable();
  const pid = await server.psql(
    'postgres',
    `select pid from pg_stat_activity where query like 'copy%public%t%' and state = 'active'`,
  );
  assert.match(pid, /^\d+$/);
  process.kill(Number(pid), 'SIGSTOP');
  try {
    const error = await whileHoursPass(t, rest);
    assert.ok(hasCode(error, 'ITEM_UNREADABLE'), String(error));
    assert.match(error.message, /silent for 600 s in the middle of table public\.t/);
  } finally {
    process.kill(Number(pid), 'SIGCONT');
  }
  await source[Symbol.asyncDispose]();
});

keepsItsPatience({
  skip,
  port: () => server.port,
  async open(port) {
    const url = server.url('postgres').replace(`:${server.port}/`, `:${port}/`);
    const connection = await connect(
      settingsOf(configFromUrl(url)),
      'postgres',
      new AbortController().signal,
    );
    const patience = { seconds: 60, item: 'table t', server: 'it' };
    return {
      rows: (sql) => connection.copyOut(`copy (${sql}) to stdout`, patience),
      [Symbol.asyncDispose]: async () => await connection[Symbol.asyncDispose](),
    };
  },
  table: 'public.t',
  sleep: 'select 1 from pg_sleep(0.3)',
});
