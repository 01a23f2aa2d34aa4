// What would stop or spoil a backup, asked before one is made.
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import { attempt } from '../findings.ts';
import type { Finding } from '../source.ts';
import { type CouchRequestContext, surveyOf } from './dump.ts';
import { changesPage, localDocuments, securityOf } from './server.ts';

/** Looks at the server and at each database that a backup would read; reads no documents. */
export const checkServer = async (request: CouchRequestContext): Promise<Finding[]> => {
  const { client, config } = request;
  const findings = await attempt(`server ${client.server}`, async () => {
    const { databases } = await surveyOf(request);
    const found: Finding[] = [];
    await forEachLimit(databases, config.connections, async (database) => {
      found.push(...(await attempt(`database ${database}`, () => lookAt(request, database))));
    });
    return found;
  });
  return findings.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
};

const lookAt = async ({ client, config }: CouchRequestContext, database: string): Promise<Finding[]> => {
  await securityOf(client, database);
  await changesPage(client, database, '0', 1);
  if (config.localDocuments && !(await localDocuments(client, database)))
    throw new HoldfastError('ITEM_UNREADABLE', 'the server cannot list local documents', {
      hint: 'say `localDocuments: false`',
    });
  return [];
};
