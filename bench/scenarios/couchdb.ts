// A CouchDB server on the same machine, end to end. PouchDB Server, where no real one is given, is itself the bottleneck, and
// lets couchbackup do only its shallow mode, which reads pages of winners: less work than a backup with the history.
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CouchServer, startCouch } from '../../test/servers/couchdb.ts';
import { compare } from '../comparison.ts';
import { freshRepository, keepState, restoreState, storedBytes } from '../repositories.ts';
import type { Scenario } from '../scenario.ts';
import { couchbackup } from '../tools/couchbackup.ts';
import { holdfastCommand } from '../tools/holdfast.ts';
import type { Tool } from '../tools/tool.ts';

const counts = { quick: 20_000, full: 100_000 } as const;
const database = 'orders';
const copy = 'orders_copy';

export const couchdb: Scenario = {
  name: 'couchdb',
  async *run({ rounds, scale, folder, tools }) {
    const peer = await couchbackup();
    await using server = await startCouch({ open: true });
    const count = counts[scale];
    await fill(server, count);
    const mode = server.vendor === 'CouchDB' ? 'full' : 'shallow';
    const [holdfast] = tools as [Tool, ...Tool[]];
    const repository = join(folder, 'repository');
    const file = join(folder, 'couchbackup.txt');
    const title = (doing: string): string => `${server.vendor}, ${count} documents, ${doing}`;
    const command = (args: string, of: string) =>
      holdfastCommand(args, repository, {
        DATABASE: `couchdb://${mode === 'full' ? `${server.user}@` : ''}127.0.0.1:${server.port}/${of}`,
        COUCHDB_PASSWORD: server.password,
      });
    // It cannot log in to PouchDB Server.
    const login = mode === 'full' ? `${server.user}:${encodeURIComponent(server.password)}@` : '';
    const url = `http://${login}127.0.0.1:${server.port}`;
    const theirs = {
      name: `${peer.name}, ${mode}`,
      prepare: () => rmSync(file, { force: true }),
      command: peer.backup({ url, database, mode, file }),
      stored: () => statSync(file).size,
    };
    const ours = {
      name: holdfast.name,
      prepare: () => freshRepository(holdfast, repository),
      command: command('backup "$DATABASE"', database),
      stored: () => storedBytes(repository),
    };
    yield await compare({
      title: title('first backup'),
      // Only its full mode reads what the ratio is promised for.
      ...(mode === 'full' && { target: { of: 'wall', atLeast: 2 } as const }),
      rounds,
      contenders: [ours, theirs],
    });
    if (mode === 'full')
      yield await compare({
        title: title('restore'),
        rounds,
        contenders: [
          {
            name: holdfast.name,
            prepare: () => removeCopy(server),
            command: command('restore latest --to "$DATABASE"', copy),
          },
          {
            name: peer.name,
            prepare: async () => {
              await removeCopy(server);
              await server.ask('PUT', `/${copy}`);
            },
            command: peer.restore({ url, database: copy, file }),
          },
        ],
      });
    keepState(repository);
    const before = storedBytes(repository);
    await change(server, count / 100);
    yield await compare({
      title: title('1 % of them changed'),
      rounds,
      contenders: [
        {
          ...ours,
          prepare: () => restoreState(repository),
          stored: () => storedBytes(repository) - before,
        },
        theirs,
      ],
    });
  },
};

const removeCopy = async (server: CouchServer): Promise<void> =>
  void (await server.fetch(`/${copy}`, { method: 'DELETE' }));

const batch = 1000;

const fill = async (server: CouchServer, count: number): Promise<void> => {
  await server.ask('PUT', `/${database}`);
  for (let first = 0; first < count; first += batch)
    await server.ask('POST', `/${database}/_bulk_docs`, {
      docs: Array.from({ length: Math.min(batch, count - first) }, (_, at) => order(first + at)),
    });
};

const order = (number: number): Record<string, unknown> => ({
  _id: `order:${number}`,
  customer: number % 977,
  lines: Array.from({ length: 1 + (number % 5) }, (_, at) => ({
    product: (number * 31 + at * 7) % 5000,
    price: (number * 17) / 100,
  })),
  note: `a note on order ${number} `.repeat(1 + (number % 9)),
});

const change = async (server: CouchServer, count: number): Promise<void> => {
  const { rows } = (await server.ask('GET', `/${database}/_all_docs?limit=${count}&include_docs=true`)) as {
    rows: readonly { readonly doc: Record<string, unknown> }[];
  };
  await server.ask('POST', `/${database}/_bulk_docs`, {
    docs: rows.map(({ doc }) => ({ ...doc, note: 'returned' })),
  });
};
