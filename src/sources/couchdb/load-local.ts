// _local documents into a database: they have no history, so each is simply put there.
import { forEachLimit } from '#lib/concurrency.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import type { PlacedEntry } from './entry-stream.ts';
import { withMembers } from './leaf.ts';
import { loadDocuments } from './load-documents.ts';
import type { PutTarget } from './put-leaves.ts';
import type { Restoring } from './restore.ts';
import { documentParts } from './server.ts';

export const loadLocalDocuments = (
  restoring: Restoring,
  { client, database }: PutTarget,
  entry: PlacedEntry,
): Promise<RowCount> =>
  loadDocuments({
    restoring,
    entry,
    attachments: new Map(),
    write: ({ leaves }) =>
      forEachLimit(leaves, 1, async ({ leaf }) => {
        await client.send({
          method: 'PUT',
          path: [database, ...documentParts(leaf.id)],
          body: withMembers(leaf, { _rev: undefined, _revisions: undefined }),
          doing: `write the local document ${leaf.id} to ${database}`,
        });
      }),
  });
