// What would stop or spoil a backup, asked before one is made.

import { forEachLimit } from '#lib/concurrency.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import type { Finding } from '../source.ts';
import { type CouchRequestContext, surveyOf } from './dump.ts';
import { changesPage, localDocuments, securityOf } from './server.ts';

/** Looks at the server and at each database that a backup would read; reads no documents. */
export const checkServer = async (request: CouchRequestContext): Promise<Finding[]> => {
  const { client, config } = request;
  const findings: Finding[] = [];
  const attempt = async (subject: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (hasCode(error, 'CANCELLED')) throw error;
      findings.push(findingOf(subject, asError(error)));
    }
  };
  await attempt(`server ${client.server}`, async () => {
    const { databases } = await surveyOf(request);
    await forEachLimit(databases, config.connections, (database) =>
      attempt(`database ${database}`, async () => {
        await securityOf(client, database);
        await changesPage(client, database, '0', 1);
        if (config.localDocuments && !(await localDocuments(client, database)))
          throw new HoldfastError('ITEM_UNREADABLE', 'the server cannot list local documents', {
            hint: 'say `localDocuments: false`',
          });
      }),
    );
  });
  return findings.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
};

const findingOf = (subject: string, error: Error): Finding => {
  const hint = error instanceof HoldfastError ? error.hint : undefined;
  return { level: 'error', subject, message: error.message, ...(hint !== undefined && { hint }) };
};
