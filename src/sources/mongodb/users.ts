// Users and roles, in the way of mongorestore: loaded beside the ones there are, and merged by the server itself.
import type { RowCount } from '#lib/row-checksum.ts';
import type { Content } from '../source.ts';
import { loadDocuments } from './load-documents.ts';
import { dropCollection } from './new-collection.ts';
import type { Restoring } from './restore.ts';
import type { Goal } from './restore-goal.ts';

const admin = 'admin';
const waiting: ReadonlyMap<string, string> = new Map([
  ['system.users', 'tempusers'],
  ['system.roles', 'temproles'],
]);

/** Loads users or roles where the server will look for them; their version is only compared with the server's by mongorestore. */
export const loadAccounts = async (
  { connection }: Restoring,
  { collection }: Goal,
  content: Content,
): Promise<RowCount> => {
  const name = waiting.get(collection.name);
  const load = { connection, label: `admin.${collection.name}`, inOrder: true };
  if (name === undefined)
    return await loadDocuments(
      { ...load, place: { database: admin, name: '' }, choose: async () => [] },
      content,
    );
  await dropCollection(connection, { database: admin, name });
  return await loadDocuments({ ...load, place: { database: admin, name } }, content);
};

/** Adds them to those there are, or with --force puts them in their place. */
export const mergeAccounts = async ({ connection, plan, into, staged }: Restoring): Promise<void> => {
  const loaded = plan.goals.filter(
    ({ isAccounts, collection }) =>
      isAccounts && (staged.loaded.get(`${admin}/${collection.documents}`)?.rows ?? 0) > 0,
  );
  const names = loaded.flatMap(({ collection }) => waiting.get(collection.name) ?? []);
  if (names.length === 0) return;
  try {
    await connection.command(admin, {
      _mergeAuthzCollections: 1,
      ...(names.includes('tempusers') && { tempUsersCollection: 'admin.tempusers' }),
      ...(names.includes('temproles') && { tempRolesCollection: 'admin.temproles' }),
      drop: into.force,
      db: '',
    });
  } finally {
    for (const name of names) await dropCollection(connection, { database: admin, name });
  }
};
