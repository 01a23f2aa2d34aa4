// A database of very many tables, and with one row as long as the engine takes, through every command: how long each takes, and how
// much memory. What is restored must be the original.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BSON } from 'mongodb';
import { holdfast } from '../../src/cli/testing.ts';
import { startMariadb } from '../servers/mariadb.ts';
import { startMongodb } from '../servers/mongodb.ts';
import { startPostgres } from '../servers/postgres.ts';
import { startCli } from './cli.ts';
import { makeRepository } from './repository.ts';

type ScaleEngine = keyof typeof servers;

export interface ScaleOptions {
  readonly engine: ScaleEngine;
  readonly tables: number;
  /** Of the one long row. */
  readonly rowMiB: number;
  /** Gets a line for each command, which is then a process of its own and measured. */
  readonly onRound?: (line: string) => void;
}

/** A server with a database `many`, and room for a copy. */
interface Many extends AsyncDisposable {
  /** Its URL; `copy` is where it is restored to, and one table's file in the snapshot. */
  readonly url: string;
  readonly copy: string;
  readonly entry: string;
  /** What is in either, as text that is the same when it is the same. */
  seen(database: 'many' | 'copy'): Promise<string>;
}

/** Throws at the first broken promise. */
export const manyTables = async ({ engine, tables, rowMiB, onRound }: ScaleOptions): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-scale-'));
  try {
    await using many = await servers[engine](tables, rowMiB);
    const run = async (...words: readonly string[]): Promise<string> => {
      const env = {
        HOLDFAST_REPOSITORY: join(folder, 'repository'),
        HOLDFAST_PASSWORD: 'secret',
        HOME: folder,
      };
      const { stdout, seconds, peakMiB } = await (onRound ? measured : here)(words, env);
      onRound?.(
        `${engine}, ${tables} tables: ${words[0]} took ${seconds.toFixed(1)} s and ${peakMiB.toFixed(0)} MiB`,
      );
      return stdout;
    };
    await makeRepository(join(folder, 'repository'));
    await run('backup', many.url);
    await run('backup', many.url);
    const listed = await run('ls', 'latest');
    assert.ok(listed.includes(many.entry), `${many.entry} is listed`);
    await run('verify', 'latest');
    await run('dump', 'latest', many.entry);
    await run('restore', 'latest', '--to', many.copy);
    assert.equal(await many.seen('copy'), await many.seen('many'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Measured {
  readonly stdout: string;
  readonly seconds: number;
  /** The kernel's high-water mark. */
  readonly peakMiB: number;
}

type Env = Readonly<Record<string, string>>;

/** In this process, which is quicker. */
const here = async (words: readonly string[], env: Env): Promise<Measured> => {
  const { status, stdout, stderr } = await holdfast(words, { env });
  assert.equal(status, 0, `${words[0]}: ${stderr}`);
  return { stdout, seconds: 0, peakMiB: 0 };
};

const measured = async (words: readonly string[], env: Env): Promise<Measured> => {
  const started = performance.now();
  const running = startCli(words, { env, timeoutMs: 3_600_000 });
  let peakMiB = 0;
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, highWaterMiB(running.process.pid));
  }, 50);
  try {
    const { status, stdout, stderr } = await running.result;
    assert.equal(status, 0, `${words[0]}: ${stderr}`);
    return { stdout, seconds: (performance.now() - started) / 1000, peakMiB };
  } finally {
    clearInterval(timer);
  }
};

const highWaterMiB = (pid: number | undefined): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended
  }
};

/** Statements in portions that a server takes at once. */
const inPortions = async (
  statements: readonly string[],
  run: (sql: string) => Promise<unknown>,
): Promise<void> => {
  for (let at = 0; at < statements.length; at += 500) await run(statements.slice(at, at + 500).join(';\n'));
};

const names = (tables: number): string[] =>
  Array.from({ length: tables }, (_, at) => `t${String(at).padStart(5, '0')}`);

const postgres = async (tables: number, rowMiB: number): Promise<Many> => {
  const server = await startPostgres({ settings: { max_locks_per_transaction: '1024' } });
  await server.psql('postgres', 'create database many');
  await inPortions(
    names(tables).flatMap((name, at) => [
      `create table ${name} (id int primary key, note text)`,
      `insert into ${name} values (${at}, 'note ${at}')`,
    ]),
    (sql) => server.psql('many', sql),
  );
  await server.psql(
    'many',
    `create table long (id int, note text); insert into long values (1, repeat('kelp', ${rowMiB} * 262144))`,
  );
  const sums = names(tables).map((name) => `(select sum(id) || max(note) from ${name})`);
  return {
    url: server.url('many'),
    copy: server.url('copy'),
    entry: '/many/many/data/public.t00000/0000.copy',
    seen: (database) =>
      server.psql(
        database,
        `select md5(note), length(note) from long; ${portionsOf(sums)
          .map((each) => `select md5(concat(${each.join()}))`)
          .join(';')}`,
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** So many terms as one statement takes. */
const portionsOf = <Term>(terms: readonly Term[]): Term[][] =>
  Array.from({ length: Math.ceil(terms.length / 50) }, (_, at) => terms.slice(at * 50, at * 50 + 50));

const mariadb = async (tables: number, rowMiB: number): Promise<Many> => {
  const server = await startMariadb({
    settings: ['max-allowed-packet=256M', 'innodb-log-file-size=512M', 'table-open-cache=400'],
  });
  await server.sql('create database many');
  await inPortions(
    names(tables).flatMap((name, at) => [
      `create table ${name} (id int primary key, note text)`,
      `insert into ${name} values (${at}, 'note ${at}')`,
    ]),
    (sql) => server.sql(sql, 'many'),
  );
  await server.sql(
    `create table \`long\` (id int primary key, note longtext); insert into \`long\` values (1, repeat('kelp', ${rowMiB} * 262144))`,
    'many',
  );
  const sums = names(tables).map((name) => `(select concat(sum(id), max(note)) from ${name})`);
  return {
    url: server.url('many'),
    copy: server.url('copy'),
    entry: '/many/many/data/t00000/0000.tsv',
    seen: (database) =>
      server.sql(
        `select md5(note), length(note) from \`long\`; ${portionsOf(sums)
          .map((each) => `select md5(concat(${each.join()}))`)
          .join(';')}`,
        database,
      ),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

/** No document is larger than 16 MiB: the long one is as long as it can be. */
const mongodb = async (tables: number, rowMiB: number): Promise<Many> => {
  const server = await startMongodb();
  const db = server.client.db('many');
  for (const [at, name] of names(tables).entries())
    await db.collection(name).insertOne({ at, note: `note ${at}` });
  const largest = 16 * 1024 * 1024 - BSON.calculateObjectSize({ _id: 1, note: '' });
  const note = 'x'.repeat(Math.min(rowMiB * 1024 * 1024, largest));
  await db.collection<{ _id: number }>('long').insertOne({ _id: 1, note } as never);
  return {
    url: server.url('many'),
    copy: server.url('copy'),
    entry: '/many/many/t00000.bson',
    async seen(database) {
      let text = '';
      for (const name of names(tables))
        text += BSON.EJSON.stringify(await server.client.db(database).collection(name).findOne());
      const long = await server.client.db(database).collection('long').findOne();
      return `${text} ${long?.note === note}`;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};

const servers = { postgres, mariadb, mongodb } as const;
