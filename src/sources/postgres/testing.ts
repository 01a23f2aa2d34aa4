// Builders for the tests of PostgreSQL: sources on a test's server, and databases that have a bit of everything.
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { onServers, opener } from '../testing.ts';
import { postgres } from './postgres.ts';

/** `url` unless told is the server's without a database. */
export const { openOn: openPostgres, dumpOf, restoreTo } = onServers<PostgresServer>(opener(postgres));
