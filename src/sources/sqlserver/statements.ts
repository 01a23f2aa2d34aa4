// A database's contents as statements, in an order in which each finds what it needs.
import { checkSql, disableIndexSql, foreignKeySql, indexSql, temporalSql } from './constraint-sql.ts';
import { plainName, type QualifiedName, quoteIdentifier, quoteName } from './identifiers.ts';
import { mentionedBy, orderByMention } from './mentions.ts';
import type { Contents, Index, Module, Table } from './model.ts';
import { disableTriggerSql, moduleSql } from './module-sql.ts';
import { securityStatements, subjectStatements } from './security-sql.ts';
import {
  createSequenceSql,
  createTableSql,
  createTableTypeSql,
  createTypeSql,
  reseedSql,
  restartSequenceSql,
} from './table-sql.ts';

/** What makes one thing, in one or several batches. */
export interface Statement {
  /** 'table dbo.orders'. */
  readonly what: string;
  readonly batches: readonly string[];
  /** The data is whole without it: users, permissions. */
  readonly isDecoration?: true;
}

/** What must be there before rows come. */
export const preDataStatements = (contents: Contents): Statement[] => {
  const { modules, tables } = contents;
  const functions = modules.filter(({ kind }) => kind === 'function').map(ofModule);
  const needed = mentionedBy(tables.flatMap(textsOfTable), functions);
  const made = [
    ...contents.sequences.map((each) => ofName('sequence', each, [createSequenceSql(each)])),
    ...contents.tableTypes.map((each) => ofName('type', each, [createTableTypeSql(each)])),
    ...tables.map((table) => ofName('table', table, [createTableSql(table)])),
    ...functions.filter((each) => needed.has(each)),
  ];
  return [
    ...contents.schemas.map(({ name }) => ({
      what: `schema ${name}`,
      batches: [`CREATE SCHEMA ${quoteIdentifier(name)}`],
    })),
    ...contents.types.map((each) => ofName('type', each, [createTypeSql(each)])),
    ...orderByMention(made),
  ].map(withoutText);
};

/** What is made when the rows are there. */
export const postDataStatements = (contents: Contents): Statement[] => {
  const { tables, modules } = contents;
  const inPreData = new Set(preDataStatements(contents).map(({ what }) => what));
  const later = modules
    .filter((module) => !isOfDatabase(module) && !inPreData.has(ofModule(module).what))
    .map(ofModule);
  return [
    ...tables.flatMap(keyStatements),
    ...tables.flatMap(foreignKeyStatements),
    ...tables.flatMap(temporalStatements),
    ...contents.synonyms.map((each) =>
      ofName('synonym', each, [`CREATE SYNONYM ${quoteName(each)} FOR ${each.target}`]),
    ),
    ...orderByMention(later),
    ...modules.flatMap(({ indexes = [], ...view }) => indexStatements(view, indexes)),
    ...contents.sequences.map((each) => ofName('value of sequence', each, restartSequenceSql(each))),
    ...tables.flatMap(reseedStatements),
    ...tables.flatMap(compressionStatements),
    ...securityStatements(contents),
    // At the very end: they would answer to all that is made after them.
    ...modules.filter(isOfDatabase).map(ofModule),
  ]
    .filter(({ batches }) => batches.length > 0)
    .map(withoutText);
};

/** All that belongs to a table but its columns and its foreign keys. */
export const keyStatements = (table: Table): Statement[] => [
  ...indexStatements(table, table.indexes),
  ...table.checks.map((check) => ({
    what: `check ${check.name} on ${plainName(table)}`,
    batches: checkSql(table, check),
  })),
];

const indexStatements = (on: QualifiedName, indexes: readonly Index[]): Statement[] =>
  indexes.map((index) => ({
    what: `${index.kind} ${index.name} on ${plainName(on)}`,
    batches: [indexSql(on, index), ...(index.disabled ? [disableIndexSql(on, index)] : [])],
  }));

const foreignKeyStatements = (table: Table): Statement[] =>
  table.foreignKeys.map((key) => ({
    what: `foreign key ${key.name} on ${plainName(table)}`,
    batches: foreignKeySql(table, key),
  }));

const temporalStatements = (table: Table): Statement[] => {
  const batches = temporalSql(table);
  return batches.length > 0 ? [{ what: `history of ${plainName(table)}`, batches }] : [];
};

/** When the rows are there: those that are only inserted are not packed. */
const compressionStatements = (table: Table): Statement[] =>
  table.compression === undefined
    ? []
    : [
        {
          what: `compression of ${plainName(table)}`,
          batches: [`ALTER TABLE ${quoteName(table)} REBUILD WITH (DATA_COMPRESSION = ${table.compression})`],
          isDecoration: true,
        },
      ];

const isOfDatabase = ({ kind }: Module): boolean => kind === 'database trigger';

const reseedStatements = (table: Table): Statement[] => {
  const sql = reseedSql(table);
  return sql === undefined ? [] : [{ what: `identity of ${plainName(table)}`, batches: [sql] }];
};

/** The triggers of a table, its properties and permissions. */
export const companionStatements = (contents: Contents, table: Table): Statement[] => [
  ...contents.modules
    .filter(({ parent }) => parent && plainName(parent) === plainName(table))
    .map(ofModule)
    .map(withoutText),
  ...subjectStatements(contents, table),
  ...reseedStatements(table),
  ...compressionStatements(table),
];

interface TextStatement extends Statement {
  readonly name: string;
  readonly text: string;
}

const ofName = (kind: string, name: QualifiedName, batches: readonly string[]): TextStatement => ({
  // Triggers of the database are in no schema.
  what: `${kind} ${name.schema === '' ? name.name : plainName(name)}`,
  name: name.name,
  text: batches.join('\n'),
  batches,
});

const ofModule = (module: Module): TextStatement => {
  const batches = [...moduleSql(module), ...(module.disabled ? [disableTriggerSql(module)] : [])];
  return { ...ofName(module.kind, module, batches), text: module.definition };
};

const textsOfTable = (table: Table): string[] => [
  createTableSql(table),
  ...table.checks.map(({ definition }) => definition),
];

const withoutText = ({ what, batches, isDecoration }: Statement): Statement => ({
  what,
  batches,
  ...(isDecoration && { isDecoration }),
});
