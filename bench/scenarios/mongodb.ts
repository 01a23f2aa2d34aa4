// A MongoDB server on the same machine, end to end. The peers read mongodump and feed mongorestore. Where no real server is given it
// is DocumentDB behind a front in JavaScript, which takes more of the machine than a MongoDB would, from all of them alike.
import { join } from 'node:path';
import { BSON, type MongoClient } from 'mongodb';
import { type MongoServer, skipWithoutMongodb, startMongodb } from '../../test/servers/mongodb.ts';
import { skipWithoutReal } from '../../test/servers/real-servers.ts';
import { compareDatabases } from '../databases.ts';
import { wholeOrders } from '../inputs/orders.ts';
import type { Scenario } from '../scenario.ts';
import type { Database } from '../tools/tool.ts';

const sizes = { quick: 100, full: 400 } as const;
const database = 'shop';
const copy = 'shop_copy';

export const mongodb: Scenario = {
  name: 'mongodb',
  skip: () => skipWithoutReal('HOLDFAST_TEST_MONGO_TOOLS') ?? skipWithoutMongodb(),
  async *run(bench) {
    const size = sizes[bench.scale];
    await using server = await startMongodb();
    const { client } = server;
    await fill(client, size * 1024 * 1024);
    yield* compareDatabases(bench, {
      title: `MongoDB, collection of ${size} MiB`,
      items: 'documents',
      database: databaseOf(server, database),
      copy: databaseOf(server, copy),
      change: () =>
        client
          .db(database)
          .collection('orders')
          .updateMany({ customer: { $mod: [100, 5] } }, { $set: { status: 'returned' } }),
      clearCopy: () => client.db(copy).dropDatabase(),
      describe: ({ name }) => sumsOf(client, name),
      targets: { restore: { of: 'wall', atLeast: 1.3 } },
    });
    for (const name of [database, copy]) await client.db(name).dropDatabase();
  },
};

const databaseOf = (server: MongoServer, name: string): Database => {
  const tools = process.env.HOLDFAST_TEST_MONGO_TOOLS ?? '';
  return {
    name,
    url: server.url(name),
    dump: `"$DUMP" --quiet --uri="$SERVER" --db=${name} --archive`,
    load: `"$LOAD" --quiet --uri="$SERVER" --archive --nsFrom='${database}.*' --nsTo='${name}.*'`,
    env: { DUMP: join(tools, 'mongodump'), LOAD: join(tools, 'mongorestore'), SERVER: server.url() },
  };
};

const sumsOf = async (client: MongoClient, name: string): Promise<string> => {
  const sums = { _id: null, count: { $sum: 1 }, tax: { $sum: '$tax' }, last: { $max: '$note' } };
  const orders = client.db(name).collection('orders');
  return BSON.EJSON.stringify(await orders.aggregate([{ $group: sums }]).toArray());
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
