// _local documents: they are no part of the history, so they are read anew each time.
import { HoldfastError } from '#lib/errors.ts';
import { createRowCounter, type RowCount } from '#lib/row-checksum.ts';
import type { CouchClient } from './http.ts';
import { eachElement, memberOf } from './json-scan.ts';
import { leafAt, linesOf } from './leaf.ts';
import { localDocuments } from './server.ts';

/** An item error where the server cannot list them. */
export type LocalDocuments = { readonly lines: Buffer; readonly count: RowCount } | HoldfastError;

/** One a line, by id. */
export const localDocumentsOf = async (client: CouchClient, database: string): Promise<LocalDocuments> => {
  const body = await localDocuments(client, database);
  const rows = body && memberOf(body, 0, 'rows');
  if (!body || !rows)
    return new HoldfastError(
      'ITEM_UNREADABLE',
      `CouchDB at ${client.server} cannot list the local documents of ${database}`,
      {
        hint: 'say `localDocuments: false`',
      },
    );
  const leaves: ReturnType<typeof leafAt>[] = [];
  eachElement(body, rows.start, (row) => {
    const doc = memberOf(body, row.start, 'doc');
    if (doc) leaves.push(leafAt(body, doc.start));
  });
  leaves.sort((a, b) => (a.id < b.id ? -1 : 1));
  const lines = linesOf(leaves);
  const counter = createRowCounter('lines');
  counter.update(lines);
  return { lines, count: counter.finish() };
};
