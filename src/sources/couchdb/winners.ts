// The revisions that win: in a backup, and in a database now.
import { BrokenJson } from './json-scan.ts';
import type { PutTarget, StoredLeaf } from './put-leaves.ts';

export interface Winner {
  readonly rev: string;
  readonly deleted: boolean;
}

/** Of leaves in the order of their documents, in which the winner is a document's first. */
export const winnersOf = (leaves: readonly StoredLeaf[]): StoredLeaf[] =>
  leaves.filter(({ leaf }, at) => leaves[at - 1]?.leaf.id !== leaf.id);

/** The winning revisions that the database has now. */
export const currentWinners = async (
  { client, database }: PutTarget,
  leaves: readonly StoredLeaf[],
): Promise<Map<string, Winner>> => {
  const { rows } = await client.parse(
    {
      method: 'POST',
      path: [database, '_all_docs'],
      body: Buffer.from(JSON.stringify({ keys: leaves.map(({ leaf }) => leaf.id) })),
      doing: `look for documents in ${database}`,
    },
    (body) => {
      const { rows: found } = JSON.parse(body.toString()) as { rows?: readonly Row[] };
      if (!found) throw new BrokenJson('the answer lists no documents');
      return { rows: found };
    },
  );
  return new Map(
    rows.flatMap(({ key, value }) =>
      value ? [[key, { rev: value.rev, deleted: value.deleted === true }]] : [],
    ),
  );
};

interface Row {
  readonly key: string;
  readonly value?: { readonly rev: string; readonly deleted?: boolean };
}
