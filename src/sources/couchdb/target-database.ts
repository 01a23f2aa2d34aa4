// The databases of a server that is restored into.
import { HoldfastError } from '#lib/errors.ts';
import type { CouchClient } from './http.ts';
import { changesPage, databaseInfo, type ServerFacts } from './server.ts';
import type { DatabaseContents } from './server-contents.ts';

/** 'empty': it has no document, and none was ever deleted there. */
export type TargetState = 'absent' | 'empty' | 'used';

/** Every server has these, with design documents of their own; they are never removed. */
export const isSystemDatabase = (name: string): boolean => name.startsWith('_');

export const targetState = async (
  client: CouchClient,
  facts: ServerFacts,
  database: string,
): Promise<TargetState> => {
  if (!(await databaseInfo(client, facts, database))) return 'absent';
  const { changes } = await changesPage(client, database, '0', 100);
  const own = isSystemDatabase(database) ? changes.filter(({ id }) => !id.startsWith('_design/')) : changes;
  return own.length === 0 ? 'empty' : 'used';
};

/** Makes it as the original was. */
export const createDatabase = async (
  client: CouchClient,
  { vendor }: ServerFacts,
  database: string,
  {
    partitioned,
    shards,
    revisionsLimit,
  }: Pick<DatabaseContents, 'partitioned' | 'shards' | 'revisionsLimit'>,
): Promise<void> => {
  const query =
    vendor === 'CouchDB'
      ? { ...(partitioned && { partitioned }), ...(shards !== undefined && { q: shards }) }
      : {};
  if (partitioned && vendor !== 'CouchDB')
    throw new HoldfastError(
      'UNSUPPORTED',
      `${database} is partitioned, which ${vendor} Server does not know`,
      {
        hint: 'restore it into a CouchDB of version 3 or newer',
      },
    );
  // 412: an attempt whose answer was lost has made it.
  await client.send({
    method: 'PUT',
    path: [database],
    query,
    doing: `create the database ${database}`,
    allow: [412],
  });
  await limitRevisions(client, vendor, database, revisionsLimit);
};

const limitRevisions = async (
  client: CouchClient,
  vendor: ServerFacts['vendor'],
  database: string,
  limit: number | undefined,
): Promise<void> => {
  if (limit === undefined || vendor !== 'CouchDB') return;
  const body = Buffer.from(String(limit));
  await client.send({
    method: 'PUT',
    path: [database, '_revs_limit'],
    body,
    doing: `set the limit of revisions of ${database}`,
  });
};

export const deleteDatabase = async (client: CouchClient, database: string): Promise<void> => {
  await client.send({
    method: 'DELETE',
    path: [database],
    doing: `delete the database ${database}`,
    allow: [404],
  });
};

export const setSecurity = async (client: CouchClient, database: string, security: Buffer): Promise<void> => {
  await client.send({
    method: 'PUT',
    path: [database, '_security'],
    body: security,
    doing: `set the security object of ${database}`,
  });
};
