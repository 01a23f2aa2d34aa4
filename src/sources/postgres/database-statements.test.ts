import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStatement, databaseStatements, renamedProperty, statementFor } from './database-statements.ts';

const create = `CREATE DATABASE "sh ""op" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C' TABLESPACE = "fast one";`;

test('a database is created under another name, in the words of the server', () => {
  const made = (version: number, ...tablespaces: readonly string[]) =>
    createStatement(create, { name: 'a"b', version, tablespaces: new Set(tablespaces) });
  const head = `create database "a""b" WITH TEMPLATE = template0 ENCODING = 'UTF8'`;
  assert.equal(
    made(150_000, 'fast one'),
    `${head} LOCALE_PROVIDER = libc LOCALE = 'C' TABLESPACE = "fast one"`,
  );
  assert.equal(made(150_000), `${head} LOCALE_PROVIDER = libc LOCALE = 'C'`);
  assert.equal(made(140_000), `${head} LOCALE = 'C'`);
  assert.equal(made(120_000), `${head} LC_COLLATE = 'C' LC_CTYPE = 'C'`);
});

test('what a newer pg_dump wrote is kept in the words of the server that it came from', () => {
  const old = `CREATE DATABASE "sh ""op" WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'C' LC_CTYPE = 'C' TABLESPACE = "fast one";`;
  assert.equal(statementFor(create, 120_000), old);
  assert.equal(statementFor(create, 150_000), create);
  assert.equal(
    statementFor(`COMMENT ON DATABASE x IS ' LOCALE_PROVIDER = libc';`, 120_000),
    `COMMENT ON DATABASE x IS ' LOCALE_PROVIDER = libc';`,
  );
});

test('what a database has under its name is given to another name', () => {
  const renamed = (statement: string) => renamedProperty(statement, 'new');
  assert.equal(
    renamed('ALTER DATABASE shop OWNER TO "DATABASE shop";'),
    'ALTER DATABASE "new" OWNER TO "DATABASE shop";',
  );
  assert.equal(
    renamed('GRANT CONNECT,TEMPORARY ON DATABASE "s ""h" TO x;'),
    'GRANT CONNECT,TEMPORARY ON DATABASE "new" TO x;',
  );
  assert.equal(
    renamed("COMMENT ON DATABASE shop IS 'ALTER DATABASE shop';"),
    `COMMENT ON DATABASE "new" IS 'ALTER DATABASE shop';`,
  );
  assert.equal(
    renamed(`ALTER ROLE "r x" IN DATABASE shop SET work_mem TO '1MB';`),
    `ALTER ROLE "r x" IN DATABASE "new" SET work_mem TO '1MB';`,
  );
});

test('the statement that creates is told from the others', () => {
  const { create: made, properties } = databaseStatements(`${create}\nALTER DATABASE x OWNER TO y;\n`);
  assert.deepEqual([made, properties], [create, ['ALTER DATABASE x OWNER TO y;']]);
});
