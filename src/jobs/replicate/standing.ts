// How the replications of a job go, as the copying server says.
import type { Clock } from '#lib/clock.ts';
import {
  listReplications,
  type Replication,
  type Scheduled,
  scheduledReplications,
} from '#sources/couchdb/replication.ts';
import type { CouchServers } from './couch-servers.ts';

export interface Standing {
  readonly replications: ReadonlyMap<string, Replication>;
  readonly scheduled: ReadonlyMap<string, Scheduled> | undefined;
}

/** There may be thousands, each of whose copies is waited for, and the server tells of all at once. */
const freshMs = 2000;

/** Asks anew when the last answer is no longer fresh; all who ask meanwhile get the same one. */
export const standings = (
  { copy: { client } }: CouchServers,
  prefix: string,
  clock: Clock,
): (() => Promise<Standing>) => {
  let asked: { readonly at: number; readonly answer: Promise<Standing> } | undefined;
  const ask = async (): Promise<Standing> => {
    const replications = await listReplications(client, prefix);
    return {
      replications: new Map(replications.map((one) => [one.database, one])),
      scheduled: await scheduledReplications(client),
    };
  };
  return () => {
    const now = clock.now().getTime();
    if (asked === undefined || now - asked.at >= freshMs || now < asked.at)
      asked = { at: now, answer: ask() };
    return asked.answer;
  };
};
