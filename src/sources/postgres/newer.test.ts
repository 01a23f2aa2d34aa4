// What servers since version 17 and 18 do otherwise, on the one that the stand-in for MongoDB brings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import {
  type DocumentdbEngine,
  skipWithoutDocumentdb,
  startDocumentdb,
} from '../../../test/servers/documentdb/engine.ts';
import { connect } from './connect.ts';
import { openReading } from './reading.ts';
import { beginReplace } from './replace-rows.ts';
import { resolveSettings } from './settings.ts';

const skip = skipWithoutDocumentdb() ?? false;
const { signal } = new AbortController();
let engine: DocumentdbEngine;
before(async () => {
  if (!skip) engine = await startDocumentdb();
});
after(async () => await engine?.[Symbol.asyncDispose]());

const settings = () =>
  resolveSettings({ host: engine.pool.options.host ?? '', user: 'postgres' }, undefined, {});
const open = () => connect(settings(), 'postgres', signal);

test('a snapshot that is not on the server means several servers', { skip }, async () => {
  const holder = await open();
  await holder.query('begin isolation level repeatable read');
  const elsewhere = '00000003-00000002-1';
  await using reading = openReading({
    settings: settings(),
    holder,
    snapshot: elsewhere,
    connections: 1,
    signal,
  });
  await assert.rejects(
    Array.fromAsync(reading.copy({ sql: 'copy (select 1) to stdout', onRows: () => {} })),
    (error) => hasCode(error, 'UNSUPPORTED') && /several servers/.test(error.message),
  );
});

test('rows that periods refer to are replaced when these stay covered', { skip }, async () => {
  await using connection = await open();
  await connection.query(
    `create table public.rooms (id int4range, open daterange, primary key (id, open without overlaps));
     create table public.stays (room int4range, days daterange, foreign key (room, period days) references public.rooms (id, period open));
     insert into public.rooms values ('[1,2)', '[2020-01-01,2021-01-01)'), ('[1,2)', '[2021-01-01,2022-01-01)');
     insert into public.stays values ('[1,2)', '[2020-12-01,2021-02-01)')`,
  );
  const replace = async (rows: string): Promise<void> => {
    await connection.query('begin');
    const rooms = { schema: 'public', name: 'rooms' };
    const finish = await beginReplace(connection, rooms, { force: true, superuser: true });
    await connection.query(`insert into public.rooms values ${rows}`);
    try {
      await finish();
    } finally {
      await connection.query('rollback');
    }
  };
  await replace(`('[1,2)', '[2020-06-01,2021-01-01)'), ('[1,2)', '[2021-01-01,2021-06-01)')`);
  await assert.rejects(
    replace(`('[1,2)', '[2020-06-01,2021-01-01)'), ('[2,3)', '[2021-01-01,2021-06-01)')`),
    /would refer to/,
  );
});
