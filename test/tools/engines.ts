// Every engine that can be had, each with a few plants in it, and what a test of all of them has to know of each.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { putRevisions, revision, seenIn } from '../../src/sources/couchdb/testing.ts';
import { seenBy } from '../../src/sources/mongodb/testing.ts';
import { dumpOf, password, rememberRows, startPlainServer } from '../../src/sources/sqlserver/testing.ts';
import { startCouch } from '../servers/couchdb.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startMongodb } from '../servers/mongodb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { shop, shopWith } from '../servers/sqlserver-shop.ts';

export interface Engine extends AsyncDisposable {
  /** Also its source's name. */
  readonly kind: string;
  /** Its source in holdfast.yaml. */
  readonly source: string;
  /** A file of its snapshot, with a piece of text that stands in it; `other` has the same length. */
  readonly entry: string;
  readonly text: string;
  readonly other: string;
  /** How `diff --rows` tells that row with the other text, without its sign and the source's name. */
  readonly row: string;
  /** What `find` is asked for. */
  readonly find: readonly string[];
  /** Variables that the source and a restore read, and the same with a wrong password. */
  readonly env: Readonly<Record<string, string>>;
  readonly wrong?: Readonly<Record<string, string>>;
  /** The target of a restore of everything, and what is in the original or in that copy. */
  readonly copy: string;
  seen(of: 'original' | 'copy'): Promise<unknown>;
  /** The words of a restore of a part into a place of its own, what is there afterwards, and what should be. */
  readonly part: readonly string[];
  readonly partSeen: () => Promise<unknown>;
  readonly partWanted: () => Promise<unknown>;
}

/** All of them, started together; `folder` is for files. */
export const startEngines = (folder: string): Promise<Engine[]> =>
  Promise.all([
    postgres(),
    mysql(),
    mongodb(),
    couchdb(),
    sqlserver(),
    sqlite(join(folder, 'plants.db')),
    files(join(folder, 'plants')),
  ]);

const plants = [
  { id: 1, name: 'Kelp', raw: Buffer.from('00ff0a095c', 'hex') },
  { id: 2, name: null, raw: null },
  { id: 3, name: 'tab\tline\nback\\slash "quoted" \'é\' 🐚', raw: Buffer.alloc(0) },
] as const;

const hex = (raw: Buffer | null): string | undefined => raw?.toString('hex');
const quoted = (name: string | null): string => (name === null ? 'NULL' : `'${name.replaceAll("'", "''")}'`);

const postgres = async (): Promise<Engine> => {
  const server = await startPostgres();
  const values = plants.map(
    ({ id, name, raw }) => `(${id}, ${quoted(name)}, ${raw ? `'\\x${hex(raw)}'` : 'NULL'})`,
  );
  await server.psql('postgres', 'CREATE DATABASE shop; CREATE DATABASE parts');
  await server.psql(
    'shop',
    `CREATE TABLE plants (id int PRIMARY KEY, name text, raw bytea);
     INSERT INTO plants VALUES ${values.join()};
     CREATE TABLE leaves (plant int REFERENCES plants, n int); INSERT INTO leaves VALUES (1, 1), (1, 1);
     CREATE VIEW brown AS SELECT * FROM plants WHERE id = 1;`,
  );
  return {
    kind: 'postgres',
    source: `{ kind: postgres, url: "postgres://${server.user}@127.0.0.1:${server.port}/shop", password: "\${PG_SECRET}" }`,
    env: { PG_SECRET: server.password },
    wrong: { PG_SECRET: 'wr0ng' },
    entry: 'shop/data/public.plants/0000.copy',
    text: 'Kelp',
    other: 'Kalp',
    row: '/shop: public.plants  id=1  name: Kelp, now Kalp',
    find: ['public.plants'],
    copy: server.url('shop_copy'),
    seen: (of) => server.pgDump(of === 'copy' ? 'shop_copy' : 'shop'),
    part: ['--table', 'public.plants', '--as', 'public.then', '--to', server.url('parts')],
    partSeen: () => server.psql('parts', 'SELECT * FROM "then" ORDER BY id'),
    partWanted: () => server.psql('shop', 'SELECT * FROM plants ORDER BY id'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const mysql = async (): Promise<Engine> => {
  const server = await startMariadb();
  const text = (name: string | null): string => quoted(name).replaceAll('\\', '\\\\');
  const values = plants.map(
    ({ id, name, raw }) => `(${id}, ${text(name)}, ${raw ? `x'${hex(raw)}'` : 'NULL'})`,
  );
  await server.sql(
    `create database parts; create database shop character set utf8mb4; use shop; set names utf8mb4;
     create table plants (id int primary key, name varchar(80), raw blob);
     insert into plants values ${values.join()};
     create table leaves (plant int, n int, foreign key (plant) references plants (id)); insert into leaves values (1, 1), (1, 1);
     create view brown as select * from plants where id = 1;`,
  );
  return {
    kind: 'mysql',
    source: `{ kind: mysql, url: "mysql://${server.user}@127.0.0.1:${server.port}/shop", password: "\${MYSQL_SECRET}" }`,
    env: { MYSQL_SECRET: server.password },
    wrong: { MYSQL_SECRET: 'wr0ng' },
    entry: 'shop/data/plants/0000.tsv',
    text: 'Kelp',
    other: 'Kalp',
    row: '/shop: shop.plants  id=1  name: Kelp, now Kalp',
    find: ['plants'],
    copy: server.url('shop_copy'),
    seen: (of) => server.dump(of === 'copy' ? 'shop_copy' : 'shop'),
    part: ['--table', 'plants', '--as', 'thence', '--to', server.url('parts')],
    partSeen: () => server.sql('select id, name, hex(raw) from thence order by id', 'parts'),
    partWanted: () => server.sql('select id, name, hex(raw) from plants order by id', 'shop'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const mongodb = async (): Promise<Engine> => {
  const server = await startMongodb();
  const names = { original: 'hf_plants', copy: 'hf_plants_copy', parts: 'hf_plants_parts' };
  const drop = async (): Promise<void> => {
    for (const name of Object.values(names)) await server.client.db(name).dropDatabase();
  };
  await drop();
  const original = server.client.db(names.original);
  await original
    .collection('plants')
    .insertMany(plants.map(({ id, ...rest }) => ({ _id: id as never, ...rest })));
  await original.collection('plants').createIndex({ name: 1 });
  await original.collection('leaves').insertOne({ plant: 1 });
  return {
    kind: 'mongodb',
    source: `{ kind: mongodb, url: "\${MONGO_URL}" }`,
    env: { MONGO_URL: server.url(names.original) },
    wrong: {
      MONGO_URL: `${server.url(names.original).replace(/:\/\/([^/]*@)?/, '://nobody:wr0ng@')}?authSource=admin`,
    },
    entry: 'hf_plants/plants.bson',
    text: 'Kelp',
    other: 'Kalp',
    row: '/hf_plants: plants  _id=1  name: "Kelp", now "Kalp"',
    find: ['plants.bson'],
    copy: server.url(names.copy),
    seen: (of) => seenBy(server.client.db(names[of])),
    part: ['--table', 'plants', '--as', 'thence', '--to', server.url(names.parts)],
    partSeen: () => server.client.db(names.parts).collection('thence').find().sort({ _id: 1 }).toArray(),
    partWanted: () => original.collection('plants').find().sort({ _id: 1 }).toArray(),
    async [Symbol.asyncDispose]() {
      await drop();
      await server[Symbol.asyncDispose]();
    },
  };
};

const couchdb = async (): Promise<Engine> => {
  const server = await startCouch();
  await server.ask('PUT', '/plants');
  await putRevisions(server, 'plants', [
    { ...revision('plant:1', 'b1', 'a1'), name: 'Kelp' },
    { ...revision('plant:1', 'b2', 'a1'), name: 'the conflict' },
    { ...revision('gone', 'bb', 'aa'), _deleted: true },
    {
      ...revision('plant:3', 'aa'),
      name: plants[2].name,
      _attachments: { raw: { content_type: 'image/png', data: plants[0].raw.toString('base64') } },
    },
  ]);
  const only = async (name: string): Promise<{ documents: Record<string, unknown> }> =>
    Object.values(
      (await seenIn(server, [name])) as Record<string, { documents: Record<string, unknown> }>,
    )[0]!;
  const documentOf = async (name: string): Promise<unknown> => (await only(name)).documents['plant:1'];
  return {
    kind: 'couchdb',
    source: `{ kind: couchdb, url: "http://127.0.0.1:${server.port}", user: ${server.user}, password: "\${COUCH_SECRET}", databases: [plants] }`,
    env: { COUCH_SECRET: server.password },
    wrong: { COUCH_SECRET: 'wr0ng' },
    entry: 'plants/data/all.jsonl',
    text: 'Kelp',
    other: 'Kalp',
    row: '/plants: documents  _id="plant:1"  name: "Kelp", now "Kalp"',
    find: ['--document', 'plant:1'],
    copy: server.url('plants_copy'),
    seen: (of) => only(of === 'copy' ? 'plants_copy' : 'plants'),
    part: ['--document', 'plant:1', '--to', server.url('parts')],
    partSeen: () => documentOf('parts'),
    partWanted: () => documentOf('plants'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** A responder in its place, with few rows; of the values it is given it keeps the texts. */
const sqlserver = async (): Promise<Engine> => {
  const indexes = (shop.catalogue.indexes ?? []).filter(({ name }) => name !== 'XI_doc'); // it is not kept, which is told
  const rows = Object.entries(shop.rows).map(([name, all]) => [name, all.slice(0, 20)] as const);
  const blueprint = { ...shopWith({ indexes }), rows: Object.fromEntries(rows) };
  const server = await startPlainServer(blueprint, ['shop']);
  rememberRows(await dumpOf({ url: server.url('shop') }), blueprint);
  const textsOf = (database: string, ...tables: readonly string[]): string[][] =>
    tables.map((table) => (server.databases.get(database)?.rows.get(table) ?? []).map(String));
  return {
    kind: 'sqlserver',
    source: `{ kind: sqlserver, host: 127.0.0.1, port: ${server.responder.port}, user: sa, password: "\${MSSQL_SECRET}", encrypt: "off", database: shop }`,
    env: { MSSQL_SECRET: password },
    wrong: { MSSQL_SECRET: 'wr0ng' },
    entry: 'shop/data/dbo.customers/0000.sql',
    text: 'user1@',
    other: 'user9@',
    row: '/shop: dbo.customers  id=2  email: user1@example.org, now user9@example.org',
    find: ['sales.orders'],
    copy: server.url('shop_copy'),
    seen: async (of) => textsOf(of === 'copy' ? 'shop_copy' : 'shop', ...Object.keys(shop.rows)),
    part: ['--table', 'sales.orders', '--as', 'sales.then', '--to', server.url('shop_copy')],
    partSeen: async () => textsOf('shop_copy', 'sales.then'),
    partWanted: async () => textsOf('shop', 'sales.orders'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const sqlite = async (path: string): Promise<Engine> => {
  const [copy, parts] = [`${path}-copy`, `${path}-parts`];
  {
    using database = new DatabaseSync(path);
    database.exec(
      'CREATE TABLE plants (id INTEGER PRIMARY KEY, name TEXT, raw BLOB); CREATE TABLE leaves (plant)',
    );
    const insert = database.prepare('INSERT INTO plants VALUES (?, ?, ?)');
    for (const { id, name, raw } of plants) insert.run(id, name, raw);
  }
  const ask = (file: string, sql: string): unknown[] => {
    using database = new DatabaseSync(file, { readOnly: true });
    return database.prepare(sql).all();
  };
  return {
    kind: 'sqlite',
    source: `{ kind: sqlite, path: ${path} }`,
    env: {},
    entry: 'data/plants/0000.sql',
    text: 'Kelp',
    other: 'Kalp',
    row: ": plants  id=1  name: 'Kelp', now 'Kalp'",
    find: ['plants'],
    copy: `sqlite:${copy}`,
    seen: async (of) =>
      ['SELECT type, name, sql FROM sqlite_schema ORDER BY name', 'SELECT * FROM plants ORDER BY id'].map(
        (sql) => ask(of === 'copy' ? copy : path, sql),
      ),
    part: ['--table', 'plants', '--as', 'thence', '--to', `sqlite:${parts}`],
    partSeen: async () => ask(parts, 'SELECT * FROM thence ORDER BY id'),
    partWanted: async () => ask(path, 'SELECT * FROM plants ORDER BY id'),
    [Symbol.asyncDispose]: async () => {},
  };
};

const files = async (folder: string): Promise<Engine> => {
  mkdirSync(join(folder, 'brown', 'é 🐚'), { recursive: true });
  for (const { id, name, raw } of plants)
    writeFileSync(join(folder, 'brown', 'é 🐚', `${id}`), raw ?? `${name}`);
  writeFileSync(join(folder, 'kelp.txt'), 'Kelp');
  const treeOf = (root: string): string[][] =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(root.length), readFileSync(path, 'hex')])
      .toSorted();
  return {
    kind: 'files',
    source: `{ kind: files, path: ${folder} }`,
    env: {},
    entry: 'kelp.txt',
    text: 'Kelp',
    other: 'Kalp',
    row: '',
    find: ['kelp.txt'],
    copy: `${folder}-copy`,
    seen: async (of) => treeOf(of === 'copy' ? `${folder}-copy` : folder),
    part: ['--path', 'brown', '--to', `${folder}-part`],
    partSeen: async () => treeOf(`${folder}-part/brown`),
    partWanted: async () => treeOf(join(folder, 'brown')),
    [Symbol.asyncDispose]: async () => {},
  };
};
