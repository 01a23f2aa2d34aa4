// What a role that is no superuser may not see of a database, and what is therefore not in its backup.
import { plural } from '#lib/format.ts';
import type { Connection } from './connect.ts';
import type { ServerFacts } from './listing.ts';

/** In words. An option that cannot be seen looks like one that is not there. */
export const hiddenParts = async (connection: Connection, { superuser }: ServerFacts): Promise<string[]> => {
  if (superuser) return [];
  const [row] = await connection.query<{ mappings: number; subscriptions: number }>(
    `select (select count(*)::int from pg_catalog.pg_user_mappings where umoptions is null) as mappings,
        (select count(*)::int from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid
          where d.datname = current_database()) as subscriptions`,
  );
  const { mappings = 0, subscriptions = 0 } = row ?? {};
  return [
    ...(mappings > 0 ? [`the options of ${plural(mappings, 'user mapping')}, passwords among them`] : []),
    ...(subscriptions > 0 ? [plural(subscriptions, 'subscription')] : []),
  ];
};
