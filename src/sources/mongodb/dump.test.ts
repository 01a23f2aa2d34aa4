import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BSON } from 'mongodb';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { skipWithoutDocumentdb } from '../../../test/servers/documentdb/engine.ts';
import type { Intercept } from '../../../test/servers/documentdb/front.ts';
import { type StandIn, startStandIn } from '../../../test/servers/mongodb.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { Entry } from '../source.ts';
import { type CapturedEntry, contentAt, contentOf } from '../testing.ts';
import { dumpOf, openMongodb } from './testing.ts';

const skip = skipWithoutDocumentdb() ?? false;
let server: StandIn;
before(async () => {
  if (!skip) server = await startStandIn({ replicaSet: true });
});
after(async () => await server?.[Symbol.asyncDispose]());

const manifestOf = (entries: readonly CapturedEntry[], database: string): Manifest =>
  manifestSchema.parse(JSON.parse(contentAt(entries, `${database}/manifest.json`).toString()));
const documentsAt = (entries: readonly CapturedEntry[], path: string): BSON.Document[] => {
  const bytes = contentAt(entries, path);
  const documents: BSON.Document[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readInt32LE(at))
    documents.push(BSON.deserialize(bytes.subarray(at, at + bytes.readInt32LE(at))));
  return documents;
};
/** Reads a dump entry by entry, as a repository does, with a chance to do something in between; item errors are kept. */
const readWith = async (
  entries: AsyncIterable<Entry>,
  meanwhile: (entry: Entry) => Promise<void> = async () => {},
): Promise<CapturedEntry[]> => {
  const read: CapturedEntry[] = [];
  for await (const entry of entries) {
    await meanwhile(entry);
    const { path, type, meta } = entry;
    try {
      const content = await contentOf(entry);
      read.push({
        path,
        type,
        meta,
        ...(content && { content }),
        ...(entry.failed && { failed: entry.failed }),
      });
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.kind.item) throw error;
      read.push({ path, type, meta, failed: error });
    }
  }
  return read;
};
const failuresOf = (entries: readonly CapturedEntry[]): string[] =>
  entries.filter(({ failed }) => failed).map(({ path }) => path);
const intercepting = async <Result>(intercept: Intercept, work: () => Promise<Result>): Promise<Result> => {
  server.front.intercept = intercept;
  try {
    return await work();
  } finally {
    server.front.intercept = undefined;
  }
};
const cursor = (ns: string, firstBatch: readonly BSON.Document[]): BSON.Document => ({
  cursor: { id: BSON.Long.ZERO, ns, firstBatch },
  ok: 1,
});

test('all collections show one moment, whatever is written meanwhile', { skip }, async () => {
  const bank = server.client.db('bank');
  const rows = Array.from({ length: 300 }, (_, _id) => ({ _id: _id as never, money: 1 }));
  await bank.collection('a').insertMany(rows);
  await bank.collection('b').insertMany(rows);
  await using source = await openMongodb(server, { url: server.url('bank') });
  const dumped = await readWith(source.dump(), async ({ path }) => {
    if (path !== 'bank') return;
    await bank.collection('a').updateMany({}, { $set: { money: 0 } });
    await bank.collection('b').deleteMany({ money: 1 });
    await bank.collection('b').insertOne({ late: true });
  });
  for (const path of ['bank/a.bson', 'bank/b.bson']) assert.deepEqual(documentsAt(dumped, path), rows);
  const { position } = manifestOf(dumped, 'bank');
  assert.equal(position.consistency, 'snapshot');
  assert.match(position.clusterTime ?? '', /^\d+:\d+$/);
});

test('a collection that is large is read in ranges, and is the same in the order of _id', {
  skip,
}, async () => {
  const big = server.client.db('large').collection<{ _id: number }>('big');
  const shuffled = Array.from({ length: 3000 }, (_, n) => ({
    _id: (n * 7) % 3000,
    filler: 'x'.repeat(1000),
  }));
  await big.insertMany(shuffled);
  const whole = await dumpOf(server, { url: server.url('large') });
  let ranges = 0;
  const cut = await intercepting(
    ({ name, fields }) => {
      if (name === 'find' && fields.filter?._id) ranges += 1;
      return undefined;
    },
    () => dumpOf(server, { url: server.url('large'), rangeMiB: 1 }),
  );
  assert.equal(ranges, 3);
  assert.ok(contentAt(cut, 'large/big.bson').equals(contentAt(whole, 'large/big.bson')));
});

test('a server without history is read as it is, and says so before and in the manifest', {
  skip,
}, async () => {
  await using standalone = await startStandIn({});
  await standalone.client.db('plain').collection('a').insertOne({ n: 1 });
  const config = { url: standalone.url('plain') };
  await using source = await openMongodb(standalone, config);
  const findings = await source.check();
  assert.deepEqual(
    findings.map(({ level, subject }) => [level, subject]),
    [['warning', 'consistency']],
  );
  const { position, tables } = manifestOf(await dumpOf(standalone, config), 'plain');
  assert.equal(position.consistency, 'none');
  assert.match(position.notConsistent ?? '', /standalone/);
  assert.deepEqual(
    tables.map(({ name, rows }) => [name, rows]),
    [['a', 1]],
  );
  await assert.rejects(dumpOf(standalone, { ...config, consistency: 'snapshot' }), (error) =>
    hasCode(error, 'UNSUPPORTED'),
  );
});

test('databases and collections are found anew in each run', { skip }, async () => {
  const config = { databases: ['tenant_*'], exclude: ['tmp.*'], excludeData: ['log'] };
  await server.client.db('tenant_a').collection('x').insertOne({});
  await dumpOf(server, config);
  await server.client.db('tenant_b').collection('y').insertOne({});
  await server.client.db('tenant_b').collection('tmp.z').insertOne({});
  await server.client.db('tenant_b').collection('log').insertOne({});
  const files = (await dumpOf(server, config)).filter(({ type }) => type === 'file').map(({ path }) => path);
  assert.deepEqual(files, [
    '00-server.json',
    'prelude.json',
    ...['x.metadata.json', 'x.bson', 'manifest.json'].map((name) => `tenant_a/${name}`),
    ...['log.metadata.json', 'y.metadata.json', 'y.bson', 'manifest.json'].map((name) => `tenant_b/${name}`),
  ]);
  await assert.rejects(dumpOf(server, { url: server.url('nowhere') }), (error) =>
    hasCode(error, 'SOURCE_UNREACHABLE'),
  );
});

test('a collection that may not be read is named, and the others are whole', { skip }, async () => {
  const db = server.client.db('rights');
  await db.collection('open').insertOne({ n: 1 });
  await db.collection('secret').insertOne({ n: 1 });
  const refusing: Intercept = ({ name, fields }) =>
    name === 'find' && fields.find === 'secret'
      ? { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'not authorized on rights to execute command' }
      : undefined;
  await intercepting(refusing, async () => {
    await using source = await openMongodb(server, { url: server.url('rights') });
    const findings = await source.check();
    assert.deepEqual(
      findings.map(({ level, subject }) => [level, subject]),
      [['error', 'collection rights.secret']],
    );
    const dumped = await readWith(source.dump());
    assert.deepEqual(failuresOf(dumped), ['rights/secret.bson']);
    assert.match(
      `${dumped.find(({ failed }) => failed)?.failed?.message}`,
      /cannot read rights\.secret: not authorized/,
    );
    const { tables, missing } = manifestOf(dumped, 'rights');
    assert.deepEqual(
      [tables.map(({ name }) => name), missing.map(({ name }) => name)],
      [['open'], ['secret']],
    );
  });
});

test('a collection dropped, or made anew, while it is read is told, never taken for empty', {
  skip,
}, async () => {
  const db = server.client.db('going');
  for (const anew of [false, true]) {
    for (const name of ['gone', 'stays']) await db.collection(name).insertOne({ n: 1 });
    await using source = await openMongodb(server, { url: server.url('going'), consistency: 'none' });
    const dumped = await readWith(source.dump(), async ({ path }) => {
      if (path !== 'going/gone.bson') return;
      await db.collection('gone').drop();
      if (anew) await db.collection('gone').insertOne({ other: true });
    });
    assert.deepEqual(failuresOf(dumped), ['going/gone.bson']);
    assert.ok(hasCode(dumped.find(({ failed }) => failed)?.failed, 'ITEM_CHANGED'));
    assert.deepEqual(
      manifestOf(dumped, 'going').tables.map(({ name }) => name),
      ['stays'],
    );
  }
});

test('a server that closes in the middle of a collection is unreachable, not at its end', {
  skip,
}, async () => {
  await server.client
    .db('closing')
    .collection('a')
    .insertMany(Array.from({ length: 18 }, () => ({ filler: 'x'.repeat(1024 * 1024) })));
  const closing: Intercept = ({ name }) => (name === 'getMore' ? 'close' : undefined);
  const config = { url: server.url('closing'), rangeMiB: 64 };
  const reading = intercepting(closing, () => dumpOf(server, config));
  await assert.rejects(reading, (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('a state that the server gave up fails the backup, and the hint says which setting', {
  skip,
}, async () => {
  await server.client.db('late').collection('a').insertOne({});
  const tooOld: Intercept = ({ name, fields }) =>
    name === 'find' && fields.readConcern?.atClusterTime
      ? {
          ok: 0,
          code: 239,
          codeName: 'SnapshotTooOld',
          errmsg: 'Read timestamp is older than the oldest available',
        }
      : undefined;
  const reading = intercepting(tooOld, () => dumpOf(server, { url: server.url('late') }));
  await assert.rejects(
    reading,
    (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE') && /minSnapshotHistoryWindowInSeconds/.test(error.hint ?? ''),
  );
});

test('capped collections and time series are read as mongodump reads them', { skip }, async () => {
  const db = server.client.db('kinds');
  await db.collection<{ _id: number }>('log').insertMany([{ _id: 3 }, { _id: 1 }, { _id: 2 }]);
  await db.collection<{ _id: number }>('buckets').insertMany([{ _id: 9 }, { _id: 8 }]);
  const finds: BSON.Document[] = [];
  const kinds: Intercept = async ({ name, fields, database }, pass) => {
    if (database !== 'kinds') return undefined;
    if (name === 'find') finds.push(fields);
    if (name === 'find' && fields.find === 'system.buckets.weather')
      return await pass({ ...fields, find: 'buckets' });
    if (name === 'listIndexes' && fields.listIndexes === 'weather') return cursor('kinds.weather', []);
    if (name !== 'listCollections') return undefined;
    const capped = {
      name: 'log',
      type: 'collection',
      options: { capped: true, size: 4096 },
      info: { uuid: new BSON.UUID('0'.repeat(32)) },
    };
    const series = {
      name: 'weather',
      type: 'timeseries',
      options: { timeseries: { timeField: 't' } },
      info: { readOnly: false },
    };
    const own = { name: 'system.buckets.weather', type: 'collection', options: {}, info: {} };
    const wanted = fields.filter?.name;
    return cursor(
      'kinds',
      [capped, own, series].filter((each) => wanted === undefined || each.name === wanted),
    );
  };
  const dumped = await intercepting(kinds, () => dumpOf(server, { url: server.url('kinds') }));
  assert.deepEqual(
    dumped.filter(({ type }) => type === 'file').map(({ path }) => path),
    [
      '00-server.json',
      'prelude.json',
      ...[
        'log.metadata.json',
        'log.bson',
        'weather.metadata.json',
        'system.buckets.weather.bson',
        'manifest.json',
      ].map((name) => `kinds/${name}`),
    ],
  );
  assert.deepEqual(
    documentsAt(dumped, 'kinds/log.bson').map(({ _id }) => _id),
    [3, 1, 2],
  );
  assert.deepEqual(
    documentsAt(dumped, 'kinds/system.buckets.weather.bson').map(({ _id }) => _id),
    [8, 9],
  );
  const ofLog = finds.find((fields) => fields.find === 'log' && !fields.limit);
  assert.deepEqual([ofLog?.sort, ofLog?.readConcern], [{ $natural: 1 }, undefined]);
  assert.match(
    contentAt(dumped, 'kinds/weather.metadata.json').toString(),
    /"timeseries":\{"timeField":"t"\}.*"type":"timeseries"/,
  );
});

test('a wrong password is denied, and a server that is not there unreachable', { skip }, async () => {
  await using guarded = await startStandIn({ auth: true });
  const { rows } = await guarded.engine.pool.query<{ made: string }>(
    `select documentdb_api.create_user('{"createUser": "backup", "pwd": "Right-1234", "roles": [{"role": "readAnyDatabase", "db": "admin"}]}')::text as made`,
  );
  assert.equal(rows.length, 1);
  await guarded.engine.pool.query(`select documentdb_api.insert_one('shop', 'a', '{"n": 1}')`);
  const as = (password: string) => ({ url: guarded.url('shop'), user: 'backup', password });
  await assert.rejects(
    dumpOf(guarded, as('Wrong-1234')),
    (error) => hasCode(error, 'SOURCE_DENIED') && !`${error.message}${error.hint}`.includes('Wrong-1234'),
  );
  const dumped = await dumpOf(guarded, as('Right-1234'));
  assert.deepEqual(
    manifestOf(dumped, 'shop').tables.map(({ rows }) => rows),
    [1],
  );
  const nobody = { url: 'mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=300' };
  await assert.rejects(dumpOf(guarded, nobody), (error) => hasCode(error, 'SOURCE_UNREACHABLE'));
});

test('that databases may be hidden is said where all are wanted, and not where they are named', {
  skip,
}, async () => {
  await server.client.db('seen').collection('one').insertOne({});
  const restricted: Intercept = ({ name, fields }) =>
    name === 'listDatabases' && fields.authorizedDatabases === false
      ? { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'not authorized on admin' }
      : undefined;
  const said = async (databases: unknown): Promise<boolean> => {
    await using source = await openMongodb(server, { databases });
    return (await source.check()).some(
      ({ level, subject }) => level === 'warning' && subject === 'databases',
    );
  };
  await intercepting(restricted, async () => {
    assert.equal(await said('all'), true);
    assert.equal(await said(['se*']), true);
    assert.equal(await said(['seen']), false);
  });
  assert.equal(await said('all'), false);
});
