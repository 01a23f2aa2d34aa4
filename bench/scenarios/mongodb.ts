// A MongoDB server on the same machine, end to end. The peers read mongodump and feed mongorestore. Where no real server is given it
// is DocumentDB behind a front in JavaScript, which takes more of the machine than a MongoDB would, from all of them alike.
import { join } from 'node:path';
import { BSON, type MongoClient } from 'mongodb';
import { type MongoServer, skipWithoutMongodb, startMongodb } from '../../test/servers/mongodb.ts';
import { skipWithoutReal } from '../../test/servers/real-servers.ts';
import { type Contender, compare } from '../comparison.ts';
import { wholeOrders } from '../inputs/orders.ts';
import type { Command } from '../measure.ts';
import { freshRepository, keepState, restoreState, storedBytes } from '../repositories.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { holdfastCommand } from '../tools/holdfast.ts';
import type { Tool } from '../tools/tool.ts';

const sizes = { quick: 100, full: 400 } as const;
const database = 'shop';
const copy = 'shop_copy';

export const mongodb: Scenario = {
  name: 'mongodb',
  skip: () => skipWithoutReal('HOLDFAST_TEST_MONGO_TOOLS') ?? skipWithoutMongodb(),
  async *run(bench) {
    const { rounds, scale } = bench;
    await using server = await startMongodb();
    await fill(server.client, sizes[scale] * 1024 * 1024);
    const tools = bench.tools.filter(({ name }) => /^(holdfast|restic)/.test(name));
    const each = (make: (tool: Tool, repository: string) => Contender): Contender[] =>
      tools.map((tool) => make(tool, repositoryOf(bench, tool)));
    const title = (doing: string): string => `MongoDB, collection of ${sizes[scale]} MiB, ${doing}`;
    yield await compare({
      title: title('first backup'),
      target: { of: 'wall', atLeast: 1.15 },
      rounds,
      contenders: each((tool, repository) => ({
        name: tool.name,
        prepare: () => freshRepository(tool, repository),
        command: backup(tool, repository, server),
        stored: () => storedBytes(repository),
      })),
    });
    for (const tool of tools) keepState(repositoryOf(bench, tool));
    const orders = server.client.db(database).collection('orders');
    await orders.updateMany({ customer: { $mod: [100, 5] } }, { $set: { status: 'returned' } });
    yield await compare({
      title: title('1 % of its documents changed'),
      rounds,
      contenders: each((tool, repository) => {
        const before = storedBytes(repository);
        return {
          name: tool.name,
          prepare: () => restoreState(repository),
          command: backup(tool, repository, server),
          stored: () => storedBytes(repository) - before,
        };
      }),
    });
    yield await compare({
      title: title('restore'),
      target: { of: 'wall', atLeast: 1.3 },
      rounds,
      contenders: each((tool, repository) => ({
        name: tool.name,
        prepare: async () => void (await server.client.db(copy).dropDatabase()),
        command: restore(tool, repository, server),
        check: () => requireSameDocuments(server.client, tool),
      })),
    });
    for (const name of [database, copy]) await server.client.db(name).dropDatabase();
  },
};

/** At least so many bytes of documents, and an index. */
const fill = async (client: MongoClient, sizeBytes: number): Promise<void> => {
  await client.db(database).dropDatabase();
  const orders = client.db(database).collection<{ _id: number }>('orders');
  for (const rows of wholeOrders('orders', sizeBytes))
    await orders.insertMany(rows.toString('utf8').trimEnd().split('\n').map(documentOf));
  await orders.createIndex({ customer: 1 });
};

const documentOf = (row: string): { _id: number } & Record<string, unknown> => {
  const fields = row.split('\t');
  const [id, reference = '', customer, created = '', updated = '', email, name, address] = fields;
  const [status, currency, net = '', tax = '', client, token, note] = fields.slice(8);
  return {
    _id: Number(id),
    reference: new BSON.UUID(reference),
    customer: Number(customer),
    at: { created: new Date(`${created}:00`), updated: new Date(`${updated}:00`) },
    buyer: { email, name, address },
    status,
    currency,
    net: BSON.Decimal128.fromString(net),
    tax: BSON.Decimal128.fromString(tax),
    client,
    ...(token !== '\\N' && { token }),
    ...(note !== '\\N' && { note }),
  };
};

const backup = (tool: Tool, repository: string, server: MongoServer): Command =>
  isHoldfast(tool)
    ? holdfastCommand('backup "$DATABASE"', repository, { DATABASE: server.url(database) })
    : piped(
        tool,
        repository,
        server,
        `"$DUMP" --quiet --uri="$SERVER" --db=${database} --archive | "$RESTIC" --no-cache -q backup --stdin --stdin-filename dump.archive`,
      );

const restore = (tool: Tool, repository: string, server: MongoServer): Command =>
  isHoldfast(tool)
    ? holdfastCommand('restore latest --to "$DATABASE"', repository, { DATABASE: server.url(copy) })
    : piped(
        tool,
        repository,
        server,
        `"$RESTIC" --no-cache -q dump latest dump.archive | "$LOAD" --quiet --uri="$SERVER" --archive --nsFrom='${database}.*' --nsTo='${copy}.*'`,
      );

const isHoldfast = ({ name }: Tool): boolean => name.startsWith('holdfast');

const piped = (tool: Tool, repository: string, server: MongoServer, line: string): Command => {
  const tools = process.env.HOLDFAST_TEST_MONGO_TOOLS ?? '';
  return {
    line,
    env: {
      ...tool.init(repository).env,
      DUMP: join(tools, 'mongodump'),
      LOAD: join(tools, 'mongorestore'),
      SERVER: server.url(),
    },
  };
};

const requireSameDocuments = async (client: MongoClient, { name }: Tool): Promise<void> => {
  const seen = async (from: string): Promise<string> => {
    const sums = { _id: null, count: { $sum: 1 }, tax: { $sum: '$tax' }, last: { $max: '$note' } };
    const orders = client.db(from).collection('orders');
    return BSON.EJSON.stringify(await orders.aggregate([{ $group: sums }]).toArray());
  };
  if ((await seen(copy)) !== (await seen(database))) throw new Error(`${name} restored other documents`);
};

const repositoryOf = (bench: Bench, tool: Tool): string => join(bench.folder, `repository of ${tool.name}`);
