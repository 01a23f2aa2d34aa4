// What Holdfast writes of a MongoDB server beside the real mongodump and mongorestore: the same files, and files that are restored.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { BSON, type Document } from 'mongodb';
import { holdfast } from '../src/cli/testing.ts';
import { openMongodb, seenBy } from '../src/sources/mongodb/testing.ts';
import { fillShop, insertRaw } from '../src/sources/mongodb/testing-database.ts';
import { contentOf } from '../src/sources/testing.ts';
import { skipWithoutDocumentdb } from './servers/documentdb/engine.ts';
import type { Intercept } from './servers/documentdb/front.ts';
import { type StandIn, startStandIn } from './servers/mongodb.ts';
import { skipWithoutReal } from './servers/real-servers.ts';
import { makeRepository } from './tools/repository.ts';
import { resticBinaries, runRestic, skipWithoutRestic } from './tools/restic.ts';
import { temporaryFolder } from './tools/temp.ts';

const skip = skipWithoutReal('HOLDFAST_TEST_MONGO_TOOLS') ?? skipWithoutDocumentdb() ?? false;

suite('mongodump and mongorestore', { skip }, () => {
  const folder = temporaryFolder('mongodb-tools');
  const at = (...parts: string[]): string => join(folder, ...parts);
  const env = { HOLDFAST_REPOSITORY: at('backups'), HOLDFAST_PASSWORD: 'secret', HOME: at('home') };
  let server: StandIn;

  before(async () => {
    server = await startStandIn({ replicaSet: true });
    await fillShop(server, 'shop');
    await makeRepository(at('backups'));
    await done('backup', server.url('shop'));
  });
  after(async () => await server?.[Symbol.asyncDispose]());

  const done = async (...words: readonly string[]): Promise<void> => {
    const { status, stderr } = await holdfast(words, { env });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, words.join(' '));
  };
  const runTool = async (name: string, ...args: readonly string[]): Promise<void> => {
    const program = join(process.env.HOLDFAST_TEST_MONGO_TOOLS ?? '', name);
    await promisify(execFile)(program, [`--uri=${server.url()}`, ...args]); // the server lives in this process
  };
  /** With the commands that it answers in the server's place. */
  const intercepting = async (intercept: Intercept, work: () => Promise<void>): Promise<void> => {
    server.front.intercept = intercept;
    try {
      await work();
    } finally {
      server.front.intercept = undefined;
    }
  };
  const assertSameFiles = (ours: string, theirs: string): void => {
    const names = readdirSync(theirs).toSorted();
    const known = new Set(['manifest.json', 'prelude.json']); // mongodump puts its prelude beside the database it was told
    assert.deepEqual(
      readdirSync(ours)
        .filter((name) => !known.has(name))
        .toSorted(),
      names.filter((name) => !known.has(name)),
    );
    for (const name of names)
      if (!known.has(name))
        assert.equal(
          readFileSync(join(ours, name), 'latin1'),
          readFileSync(join(theirs, name), 'latin1'),
          name,
        );
  };
  const assertRestored = async (database: string): Promise<void> => {
    const [theirs, ours] = [await seenBy(server.client.db(database)), await seenBy(server.client.db('shop'))];
    assert.deepEqual(Object.keys(theirs).toSorted(), Object.keys(ours).toSorted());
    assert.deepEqual(withoutIndexOrder(theirs), withoutIndexOrder(ours));
  };
  const into = (database: string): string[] => ['--nsFrom=shop.*', `--nsTo=${database}.*`];

  test('a folder is that of mongodump, byte for byte, whatever collections and documents hold', async () => {
    await runTool('mongodump', '--db=shop', `--out=${at('theirs')}`);
    await done('restore', 'latest', '--to', at('ours'));
    assertSameFiles(at('ours', 'shop'), at('theirs', 'shop'));
    const version = (...path: string[]): string =>
      JSON.parse(readFileSync(at(...path, 'prelude.json'), 'utf8')).ServerVersion;
    assert.equal(version('ours'), version('theirs', 'shop'));
    await runTool('mongorestore', ...into('by_folder'), at('ours'));
    await assertRestored('by_folder');
  });

  test('mongorestore reads what stock restic restores', { skip: skipWithoutRestic() ?? false }, async () => {
    const { new: restic } = await resticBinaries();
    const repository = { repository: at('backups'), password: 'secret' };
    await runRestic(restic, ['restore', 'latest', '--target', at('back')], repository);
    await runTool('mongorestore', ...into('by_restic'), at('back', 'shop'));
    await assertRestored('by_restic');
  });

  test('options and indexes that the stand-in has not are written as mongodump does, and made again by mongorestore', async () => {
    const kinds = await collectionsOfAllKinds(server);
    await intercepting(telling(kinds), async () => {
      await runTool('mongodump', '--db=kinds', `--out=${at('kinds', 'theirs')}`);
      await dumpInto(at('kinds', 'ours'), server, 'kinds');
    });
    assertSameFiles(at('kinds', 'ours', 'kinds'), at('kinds', 'theirs', 'kinds'));
    const made: Document[] = [];
    let buckets: Buffer | undefined;
    const recording: Intercept = ({ name, fields, sequence }) => {
      if (name === 'insert' && fields.insert === 'system.buckets.weather')
        buckets = Buffer.from(sequence ?? []);
      if (name === 'insert' && fields.insert === 'system.buckets.weather') return { n: 3, ok: 1 };
      if (!['create', 'createIndexes', 'collMod'].includes(name)) return undefined;
      made.push(fields);
      return { ok: 1 };
    };
    await server.client.db('kinds').dropDatabase();
    await intercepting(recording, () => runTool('mongorestore', at('kinds', 'ours')));
    for (const { name, options } of kinds) {
      const create = made.find((command) => command.create === name);
      for (const [option, value] of Object.entries(options))
        assert.deepEqual(plain(create?.[option]), plain(value), `${name}.${option}`);
    }
    const indexes = made.flatMap((command) => (command.createIndexes === 'words' ? command.indexes : []));
    assert.deepEqual(plain(indexes.find(({ name }) => name === 'by word')?.collation), plain(swedish));
    assert.deepEqual(buckets, readFileSync(at('kinds', 'ours', 'kinds', 'system.buckets.weather.bson')));
  });

  test('an oplog that was recorded is replayed by mongorestore', async () => {
    await using old = await startStandIn({ replicaSet: true, version: '4.4.29' });
    await old.client.db('till').collection('orders').insertOne({ n: 1 });
    const late = { t: 1, v: 2, wall: new Date(0), op: 'i', ns: 'till.orders', o: { _id: 'late' } };
    old.front.intercept = recordedOplog(late);
    await dumpInto(at('with oplog'), old, 'till');
    const applied: Document[] = [];
    const recording: Intercept = ({ name, fields }) => {
      if (name !== 'applyOps') return undefined;
      applied.push(...fields.applyOps);
      return { ok: 1 };
    };
    await intercepting(recording, () => runTool('mongorestore', '--oplogReplay', at('with oplog')));
    assert.deepEqual(
      applied.map(({ ns, o }) => [ns, o]),
      [['till.orders', { _id: 'late' }]],
    );
    assert.equal(await server.client.db('till').collection('orders').countDocuments(), 1);
  });
});

/** A dump by Holdfast, as files. */
const dumpInto = async (folder: string, server: StandIn, database: string): Promise<void> => {
  await using source = await openMongodb(server, { url: server.url(database) });
  for await (const entry of source.dump()) {
    const content = await contentOf(entry);
    mkdirSync(join(folder, ...(content ? [entry.path, '..'] : [entry.path])), { recursive: true });
    if (content) writeFileSync(join(folder, entry.path), content);
  }
};

interface Kind {
  readonly name: string;
  readonly type: 'collection' | 'timeseries' | 'view';
  readonly options: Document;
  readonly indexes: readonly Document[];
}

const swedish = { locale: 'sv', strength: 2, caseLevel: false, numericOrdering: true, version: '57.1' };

/** Documents for collections that the engine itself has only as plain ones, and what a MongoDB would tell of these. */
const collectionsOfAllKinds = async (server: StandIn): Promise<Kind[]> => {
  const numbered = [{ _id: 3 }, { _id: 1 }, { _id: 2 }];
  for (const name of ['log', 'words', 'buckets', 'clustered'])
    await insertRaw(
      server,
      'kinds',
      name,
      (name === 'log' ? numbered : numbered.toSorted((a, b) => a._id - b._id)).map((each) =>
        BSON.serialize(each),
      ),
    );
  const plainIndex = { v: 2, key: { _id: 1 }, name: '_id_' };
  const byWord = { v: 2, key: { word: 1 }, name: 'by word', unique: true, collation: swedish };
  const text = {
    v: 2,
    key: { _fts: 'text', _ftsx: 1 },
    name: 'text',
    weights: { body: 2 },
    default_language: 'swedish',
    language_override: 'lang',
    textIndexVersion: 3,
  };
  const clusteredIndex = { v: 2, key: { _id: 1 }, name: '_id_', unique: true };
  return [
    {
      name: 'clustered',
      type: 'collection',
      options: { clusteredIndex },
      indexes: [{ ...clusteredIndex, clustered: true }],
    },
    {
      name: 'log',
      type: 'collection',
      options: { capped: true, size: 4096, max: 100 },
      indexes: [plainIndex],
    },
    {
      name: 'short words',
      type: 'view',
      options: { viewOn: 'words', pipeline: [{ $match: { n: 1 } }], collation: swedish },
      indexes: [],
    },
    {
      name: 'weather',
      type: 'timeseries',
      options: {
        timeseries: {
          timeField: 't',
          metaField: 'place',
          granularity: 'hours',
          bucketMaxSpanSeconds: 2_592_000,
        },
        expireAfterSeconds: BSON.Long.fromNumber(86_400),
      },
      indexes: [{ v: 2, key: { place: 1, t: 1 }, name: 'place_1_t_1' }],
    },
    {
      name: 'words',
      type: 'collection',
      options: { collation: swedish, changeStreamPreAndPostImages: { enabled: true } },
      indexes: [{ ...plainIndex, collation: swedish }, byWord, text],
    },
  ];
};

/** Tells of these collections as a MongoDB that has them. */
const telling =
  (kinds: readonly Kind[]): Intercept =>
  async ({ name, fields, database }, pass) => {
    if (database !== 'kinds') return undefined;
    if (name === 'find' && fields.hint?.$natural) return await pass(inNaturalOrder(fields));
    if (name === 'find' && fields.find === 'system.buckets.weather')
      return await pass({ ...fields, find: 'buckets' });
    if (name === 'listIndexes')
      return firstBatch(
        'kinds.$cmd.listIndexes',
        kinds.find((kind) => kind.name === fields.listIndexes)?.indexes ?? [],
      );
    if (name !== 'listCollections') return undefined;
    const buckets = { name: 'system.buckets.weather', type: 'collection', options: {}, info: {} };
    const told = kinds.map(({ indexes: _, ...kind }) => ({ ...kind, info: infoOf(kind) }));
    const wanted: unknown = fields.filter?.name;
    return firstBatch(
      'kinds.$cmd.listCollections',
      [...told, buckets].filter((each) => typeof wanted !== 'string' || each.name === wanted),
    );
  };

/** What a MongoDB does with such a hint. */
const inNaturalOrder = ({ hint, ...fields }: Document): Document => ({
  ...fields,
  find: fields.find === 'system.buckets.weather' ? 'buckets' : fields.find,
  sort: hint,
});

const infoOf = ({ name, type }: Pick<Kind, 'name' | 'type'>): Document =>
  type === 'collection'
    ? { readOnly: false, uuid: new BSON.UUID(name.length.toString().padStart(32, '0')) }
    : {};

const firstBatch = (ns: string, documents: readonly Document[]): Document => ({
  cursor: { id: BSON.Long.ZERO, ns, firstBatch: documents },
  ok: 1,
});

/** An oplog that got this entry while the backup was made. */
const recordedOplog = (entry: Document): Intercept => {
  const ts = (i: number) => new BSON.Timestamp({ t: 100, i });
  const oplog = [
    { ts: ts(1), op: 'n', ns: '', o: { msg: 'initiating set' } },
    { ts: ts(5), ...entry },
  ] as const;
  return ({ name, fields, database }) => {
    if (name === 'find' && database === 'config') return firstBatch('config.transactions', []);
    if (name !== 'find' || fields.find !== 'oplog.rs') return undefined;
    if (fields.filter) return firstBatch('local.oplog.rs', [oplog[1]]);
    return firstBatch('local.oplog.rs', [oplog[fields.sort.$natural === 1 ? 0 : 1]]);
  };
};

/** Without the classes of numbers. */
const plain = (value: unknown): unknown => JSON.parse(BSON.EJSON.stringify(value, { relaxed: true }));

/** mongorestore builds indexes in an order of its own. */
const withoutIndexOrder = (seen: Readonly<Record<string, unknown>>): unknown =>
  Object.entries(seen).map(([name, text]) => {
    const { indexes, ...rest } = JSON.parse(String(text)) as { indexes: { name: string }[] };
    return [name, indexes.toSorted((a, b) => a.name.localeCompare(b.name)), rest];
  });
