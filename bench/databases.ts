// What is asked with a database of any server: a first backup, another one after a few changes, and a restore.
import { type Comparison, compare, type Target } from './comparison.ts';
import { intoNew, ontoThis, repositoryOf } from './contenders.ts';
import type { Bench } from './scenario.ts';
import type { Database } from './tools/tool.ts';

export interface DatabaseWork {
  /** What is in it, for titles: 'MariaDB, table of 400 MiB'. */
  readonly title: string;
  /** What its table consists of: 'rows'. */
  readonly items: string;
  readonly database: Database;
  /** What it is restored into. */
  readonly copy: Database;
  /** Changes one in a hundred of the items, spread over all of them. */
  change(): Promise<unknown>;
  /** Makes the copy an empty database. */
  clearCopy(): Promise<unknown>;
  /** A text that is the same for the database and a good copy of it. */
  describe(database: Database): Promise<string>;
  readonly targets: { readonly changed?: Target; readonly restore?: Target };
}

export async function* compareDatabases(bench: Bench, work: DatabaseWork): AsyncGenerator<Comparison> {
  const { rounds, tools } = bench;
  const { database, copy, targets } = work;
  const title = (doing: string): string => `${work.title}, ${doing}`;
  yield await compare({
    title: title('first backup'),
    target: { of: 'wall', atLeast: 1.15 },
    rounds,
    contenders: intoNew(bench, (tool, repository) => tool.backupDatabase(repository, database)),
  });
  await work.change();
  yield await compare({
    title: title(`1 % of its ${work.items} changed`),
    ...(targets.changed && { target: targets.changed }),
    rounds,
    contenders: ontoThis(bench, (tool, repository) => tool.backupDatabase(repository, database)),
  });
  yield await compare({
    title: title('restore'),
    ...(targets.restore && { target: targets.restore }),
    rounds,
    contenders: tools.map((tool) => ({
      name: tool.name,
      prepare: async () => void (await work.clearCopy()),
      command: tool.restoreDatabase(repositoryOf(bench, tool), copy),
      check: async () => {
        if ((await work.describe(copy)) !== (await work.describe(database)))
          throw new Error(`${tool.name} restored other ${work.items}`);
      },
    })),
  });
}
