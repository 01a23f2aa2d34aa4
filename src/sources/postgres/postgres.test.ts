import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { startPostgres } from '../../../test/servers/postgres.ts';
import { skipWithout } from '../../../test/servers/programs.ts';
import { stillOpen } from '../../../test/tools/still-open.ts';
import { sourceContract } from '../contract.ts';
import { openPostgres } from './testing.ts';
import { manyKinds, roles } from './testing-database.ts';

suite('a PostgreSQL database', { skip: skipWithout('postgresql') ?? false }, () => {
  sourceContract('postgres', async () => {
    const original = await startPostgres();
    const copy = await startPostgres();
    for (const server of [original, copy]) await server.psql('postgres', roles);
    // The servers hash the same passwords differently.
    const hashed = `select format('alter role %I password %L;', rolname, rolpassword) from pg_authid where rolpassword <> ''`;
    await copy.psql('postgres', await original.psql('postgres', hashed));
    await original.psql('postgres', 'create database shop');
    await original.psql('shop', manyKinds);
    const sessions = async (): Promise<number> => Number(await original.psql('postgres', ownSessions));
    return {
      open: (signal) => openPostgres(original, { url: original.url('shop') }, { signal }),
      async emptyTarget() {
        await copy.psql('postgres', 'drop database if exists shop with (force)');
        return await openPostgres(copy, { url: copy.url('shop') });
      },
      async same() {
        assert.equal(await copy.pgDump('shop', '--create'), await original.pgDump('shop', '--create'));
      },
      keeps: ['mode'],
      manifests: ['shop/manifest.json'],
      knowsUnchanged: false,
      openThings: () => stillOpen(sessions),
      async [Symbol.asyncDispose]() {
        await original[Symbol.asyncDispose]();
        await copy[Symbol.asyncDispose]();
      },
    };
  });
});

const ownSessions = `select count(*) from pg_stat_activity where application_name in ('holdfast', 'pg_dump', 'pg_dumpall')`;
