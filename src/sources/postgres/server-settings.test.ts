import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { dumpOf, restoreTo } from './testing.ts';

const skip = skipWithout('postgresql') ?? false;

test('how the server is set up changes nothing that is kept or restored', { skip }, async () => {
  await using server = await startPostgres({
    settings: {
      array_nulls: 'off',
      standard_conforming_strings: 'off',
      escape_string_warning: 'off',
      quote_all_identifiers: 'on',
      datestyle: 'SQL, DMY',
      intervalstyle: 'sql_standard',
      bytea_output: 'escape',
      extra_float_digits: '-10',
      default_transaction_isolation: 'serializable',
      default_transaction_read_only: 'on',
    },
  });
  const asMeant = 'set default_transaction_read_only = off; set array_nulls = on;';
  await server.psql('postgres', `${asMeant} create database shop`);
  await server.psql(
    'shop',
    String.raw`${asMeant} create table t (words text[], note text default E'a\\b''c', day date, span interval, bytes bytea, real8 float8);
      comment on table t is E'back\\slash'; create index on t ((note || E'\\'));
      insert into t values (array[null, 'NULL', E'\\'], E'\\', '2026-02-03', '-1 day +02:03', E'\\x005cff', 1e300 / 3);`,
  );
  const dumped = await dumpOf(server, { url: server.url('shop') });
  await restoreTo(server, dumped, { url: server.url('copy') });
  assert.equal(await server.pgDump('copy'), await server.pgDump('shop'));
});
