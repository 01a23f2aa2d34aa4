// Databases of many tables with one long row; `npm run soak -- --only scale` has ten thousand of them.
import { test } from 'node:test';
import { skipWithoutMongodb } from './servers/mongodb.ts';
import { skipWithout } from './servers/programs.ts';
import { manyTables } from './tools/scale.ts';

/** The stand-in for MongoDB takes long to make a collection. */
const engines = [
  { engine: 'postgres', tables: 60, skip: skipWithout('postgresql') },
  { engine: 'mariadb', tables: 60, skip: skipWithout('mariadb') },
  { engine: 'mongodb', tables: 20, skip: skipWithoutMongodb() },
] as const;

for (const { engine, tables, skip } of engines)
  test(
    `${engine}: many tables and a long row are backed up, verified, and come back`,
    {
      skip: skip ?? false,
    },
    () => manyTables({ engine, tables, rowMiB: 20 }),
  );
