// A database with every kind of thing that a backup must bring back, as far as the tests' server has it.
import { pipeline } from 'node:stream/promises';
import { BSON, GridFSBucket, type MongoClient } from 'mongodb';
import { seededRandom } from '#lib/random.ts';
import { configFromUrl } from './config.ts';
import { connect } from './connect.ts';

/** A server of the tests. */
export interface Place {
  readonly client: MongoClient;
  url(database?: string): string;
}

/** Names that confuse paths, and one that is cut short in the name of its file. */
const awkwardNames = [
  'a/b+c',
  'sp ace & ümläut 🐙',
  'quo\'te"',
  'new\nline',
  '%2F',
  'x.y.z',
  'up/../and',
  'x'.repeat(180),
];

/** Fills a database. `raw` inserts go past the driver, which would repair them. */
export const fillShop = async (server: Place, name: string): Promise<void> => {
  const db = server.client.db(name);
  await db.collection('orders').insertMany(orders());
  await db.collection('orders').createIndexes([
    { key: { customer: 1, at: -1 }, name: 'by customer' },
    { key: { note: 1 }, name: 'sparse', sparse: true },
    { key: { number: 1 }, name: 'unique', unique: true },
    { key: { at: 1 }, name: 'ttl', expireAfterSeconds: 315_360_000 },
    { key: { total: 1 }, name: 'partial', partialFilterExpression: { total: { $gt: 50 } } },
    { key: { '$**': 1 }, name: 'wildcard' },
    { key: { customer: 'hashed' }, name: 'hashed' },
    { key: { place: '2dsphere' }, name: 'place' },
  ]);
  await db.createCollection('strict', {
    validator: {
      $jsonSchema: { bsonType: 'object', required: ['name'], properties: { 10: {}, 9: { bsonType: 'int' } } },
    },
    validationLevel: 'moderate',
    validationAction: 'error',
  });
  await db.collection('strict').insertOne({ name: 'x' });
  await db.createCollection('empty');
  await db.createCollection('big orders', {
    viewOn: 'orders',
    pipeline: [{ $match: { total: { $gt: 90 } } }],
  });
  await db.createCollection('a view on a view', {
    viewOn: 'big orders',
    pipeline: [{ $project: { total: 1 } }],
  });
  for (const awkward of awkwardNames) await db.collection(awkward).insertOne({ _id: awkward as never, n: 1 });
  await db.collection<{ _id: unknown }>('mixed').insertMany(mixedIds.map((_id) => ({ _id })) as never);
  const bucket = new GridFSBucket(db, { chunkSizeBytes: 40_000 });
  await pipeline(
    [seededRandom('gridfs').next().toString().repeat(6000)],
    bucket.openUploadStream('photo.jpg'),
  );
  await insertRaw(server, name, 'types', [everyType(), ...awkwardDocuments()]);
};

/** Documents that must not pass through objects. */
export const insertRaw = async (
  server: Place,
  database: string,
  collection: string,
  documents: readonly Uint8Array[],
): Promise<void> => {
  await using connection = await connect(configFromUrl(server.url()), new AbortController().signal);
  await connection.insert(database, collection, documents);
};

const orders = () => {
  const random = seededRandom('orders');
  return Array.from({ length: 1500 }, (_, number) => ({
    _id: new BSON.ObjectId((number + 1_700_000_000).toString(16).padEnd(24, '0')),
    number,
    customer: random.integer(0, 200),
    at: new Date(1_700_000_000_000 + number * 60_000),
    total: BSON.Decimal128.fromString((random.next() * 100).toFixed(2)),
    ...(random.chance(0.3) && { note: random.pick(['gift', 'ré-do', '🎁']).repeat(random.integer(1, 20)) }),
    place: { type: 'Point', coordinates: [random.next() * 100, random.next() * 80] },
  }));
};

const mixedIds: readonly unknown[] = [
  1,
  2.5,
  BSON.Long.fromString('9007199254740993'),
  'text',
  { a: 1, b: 'x' },
  new Date(0),
  true,
  new BSON.ObjectId('0123456789abcdef01234567'),
  new BSON.UUID('00112233-4455-6677-8899-aabbccddeeff'),
  new BSON.Timestamp({ t: 5, i: 6 }),
  new BSON.MinKey(),
  new BSON.MaxKey(),
];

/** A document with a value of each type, but for the two that only old drivers wrote. */
export const everyType = (): Uint8Array =>
  BSON.serialize({
    _id: 'every type',
    double: new BSON.Double(-0),
    notANumber: Number.NaN,
    infinite: Number.NEGATIVE_INFINITY,
    string: 'é\0🐙',
    document: { nested: { deeper: [] }, empty: {} },
    array: [1, [2, [3]], null],
    binary: new BSON.Binary(Buffer.from([0, 255, 10]), 0x80),
    uuid: new BSON.UUID('00112233-4455-6677-8899-aabbccddeeff'),
    id: new BSON.ObjectId('0123456789abcdef01234567'),
    yes: true,
    date: new Date(-62_135_596_800_000),
    nothing: null,
    pattern: new BSON.BSONRegExp('^a/b', 'imx'),
    code: new BSON.Code('return 1'),
    scoped: new BSON.Code('return x', { x: 1 }),
    symbol: new BSON.BSONSymbol('sym'),
    int: new BSON.Int32(-2_147_483_648),
    timestamp: new BSON.Timestamp({ t: 4_294_967_295, i: 1 }),
    long: BSON.Long.MIN_VALUE,
    decimal: BSON.Decimal128.fromString('-1.50E-6143'),
    least: new BSON.MinKey(),
    greatest: new BSON.MaxKey(),
  });

/** What a driver would change: keys that look like numbers, text that is no UTF-8. */
const awkwardDocuments = (): Uint8Array[] => {
  const numbers = BSON.serialize(
    new Map<string, unknown>([
      ['_id', 'numbers'],
      ['10', 1],
      ['9', 2],
      ['', 3],
    ]),
  );
  const text = Buffer.from(BSON.serialize({ _id: 'not utf-8', text: 'XXXX' }));
  Buffer.from([0xff, 0xfe, 0xc3, 0x28]).copy(text, text.indexOf('XXXX'));
  return [numbers, text];
};
