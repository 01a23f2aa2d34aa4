// The definitions of a database, file by file: what a trial restore must bring back besides rows. Owners and privileges are
// left out: a restore tells of those that it could not set.
import type { ReadDefinitions } from '../source.ts';
import { parseContents } from './contents.ts';
import { createStatement, databaseStatements, renamedProperty } from './database-statements.ts';
import { plainName } from './identifiers.ts';
import { databaseFiles } from './layout.ts';
import { isDecoration } from './run-items.ts';
import { comparable } from './same-definition.ts';
import { itemsOf, type SqlItem } from './sql-items.ts';

export const definitionsIn = (path: string): ReadDefinitions | undefined =>
  readers.get(path.split('/').slice(1).join('/'));

const ofDatabase: ReadDefinitions = (text) => {
  const { create, properties } = databaseStatements(text);
  // The newest words, and no tablespace: a server without it uses the default one.
  const made = createStatement(create, { name: anyName, version: 999_999, tablespaces: new Set() });
  const kept = properties
    .map((statement) => renamedProperty(statement, anyName))
    .filter((statement) => !isDecoration(statement));
  return new Map([
    ['the database itself', made],
    ...kept.map((statement) => [`the database's ${statement}`, ''] as const),
  ]);
};

/** The database and its copy have different names. */
const anyName = 'database';

const ofSection: ReadDefinitions = (text) => {
  const definitions = new Map<string, string>();
  for (const item of itemsOf(text).items) {
    const statements = item.statements.filter((statement) => !isDecoration(statement));
    if (statements.length === 0) continue;
    const name = nameOf(item);
    const definition = statements.some(inherits) ? statements.flatMap(linesInOrder) : statements;
    definitions.set(name, [definitions.get(name) ?? [], definition.map(comparable)].flat().join('\n'));
  }
  return definitions;
};

/** The columns that an heir shares with its parents come first in a database that is restored, whatever the order was before. */
const inherits = (statement: string): boolean => /^CREATE .*\nINHERITS \(/s.test(statement);
const linesInOrder = (statement: string): string[] =>
  statement
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .toSorted();

const nameOf = ({ type, schema, name }: SqlItem): string =>
  `${type.toLowerCase()} ${schema === '-' || schema === '' ? name : `${schema}.${name}`}`;

const ofContents: ReadDefinitions = (text) =>
  new Map(
    parseContents(text).sequences.map((sequence) => [
      `the value of sequence ${plainName(sequence)}`,
      `${sequence.lastValue} ${sequence.isCalled}`,
    ]),
  );

const readers: ReadonlyMap<string, ReadDefinitions> = new Map([
  [databaseFiles.database, ofDatabase],
  [databaseFiles.preData, ofSection],
  [databaseFiles.postData, ofSection],
  [databaseFiles.contents, ofContents],
]);
