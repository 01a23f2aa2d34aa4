// A database's contents from what its catalogue answered. Pure: the same answers give the same contents, in the same order.
import { HoldfastError } from '#lib/errors.ts';
import { type Answers, intOf, isSet, nameOf, type Row, textOf, type Unlearnt } from './answers.ts';
import { makeModules } from './assemble-modules.ts';
import { makePermissions, makeProperties, makeRoles, makeUsers, ownedSchemas } from './assemble-security.ts';
import { makeTables, makeTableTypes } from './assemble-tables.ts';
import type { QualifiedName } from './identifiers.ts';
import { type Contents, contentsSchema, type TypeUse } from './model.ts';

/** A table with the number that the server knows it by. */
export interface FoundTable extends QualifiedName {
  readonly id: number;
}

export interface Assembled {
  readonly contents: Contents;
  readonly found: readonly FoundTable[];
  /** What is there and cannot be told in full. */
  readonly failures: readonly Unlearnt[];
}

/** What the parts of the assembly share. */
export interface Assembly {
  readonly rows: Answers['rows'];
  readonly typeOf: (row: Row) => TypeUse;
  fail(what: string, message: string, hint?: string): void;
  notKept(what: string, reason: string): void;
}

export interface AssembleOptions {
  readonly version: string;
  wanted(table: QualifiedName): 'all' | 'definition' | 'nothing';
}

export const assemble = (answers: Answers, options: AssembleOptions): Assembled => {
  const failures: Unlearnt[] = [...answers.failures];
  const notKept = new Map<string, string>();
  const assembly: Assembly = {
    rows: answers.rows,
    typeOf: typeReader(answers.rows.types),
    fail: (what, message, hint) =>
      void failures.push({
        what,
        error: new HoldfastError('ITEM_UNREADABLE', `${what}: ${message}`, { hint }),
      }),
    notKept: (what, reason) => void notKept.set(what, reason),
  };
  const { tables, found } = makeTables(assembly, options.wanted);
  const contents: Contents = {
    contents: 1,
    engine: 'sqlserver',
    version: options.version,
    database: makeDatabase(answers.rows.database[0] ?? {}),
    schemas: ownedSchemas(assembly),
    roles: makeRoles(assembly),
    users: makeUsers(assembly),
    types: makeTypes(assembly),
    tableTypes: makeTableTypes(assembly),
    sequences: makeSequences(assembly),
    synonyms: answers.rows.synonyms
      .map((row) => ({ ...qualified(row), target: nameOf(row, 'target') }))
      .toSorted(byName),
    tables,
    modules: makeModules(assembly, tables),
    properties: makeProperties(assembly, found),
    permissions: makePermissions(assembly, found),
    notKept: [...notKept]
      .map(([what, reason]) => ({ what, reason }))
      .toSorted((a, b) => compare(a.what, b.what)),
  };
  return { contents: contentsSchema.parse(contents), found, failures };
};

export const qualified = (row: Row): QualifiedName => ({ schema: nameOf(row, 'schema'), name: nameOf(row) });
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
export const byName = (a: QualifiedName, b: QualifiedName): number =>
  compare(a.schema, b.schema) || compare(a.name, b.name);

const makeDatabase = (row: Row): Contents['database'] => ({
  name: nameOf(row),
  ...optional('collation', textOf(row, 'collation')),
  ...(row.compatibility !== null &&
    row.compatibility !== undefined && { compatibility: intOf(row, 'compatibility') }),
  snapshotIsolation: intOf(row, 'snapshotState') === 1,
  readCommittedSnapshot: isSet(row, 'rcsi'),
  ...optional('recovery', textOf(row, 'recovery')),
});

/** { key: value }, or nothing. */
export const optional = <Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> => (value === undefined ? {} : ({ [key]: value } as Record<Key, Value>));

/** What type a row with `type`, `maxLength`, `precision` and `scale` is of. */
const typeReader = (types: readonly Row[]): Assembly['typeOf'] => {
  const byId = new Map(types.map((row) => [intOf(row, 'id'), row]));
  return (row) => {
    const own = byId.get(intOf(row, 'type'));
    // The server's own types have the same number as user types; CLR types share one number and differ in the other.
    const isOwn = own !== undefined && isSet(own, 'userDefined');
    const base = isOwn ? baseOf(types, own) : own;
    return {
      ...(isOwn && { schema: nameOf(own, 'schema') }),
      name: own === undefined ? `type ${nameOf(row, 'type')}` : nameOf(own),
      base: base === undefined ? 'unknown' : nameOf(base).toLowerCase(),
      maxLength: intOf(row, 'maxLength'),
      precision: intOf(row, 'precision'),
      scale: intOf(row, 'scale'),
    };
  };
};

/** The number that all types of the CLR share, the users' own as hierarchyid: nothing lies beneath them. */
const clrTypes = 240;

const baseOf = (types: readonly Row[], own: Row): Row | undefined =>
  intOf(own, 'systemId') === clrTypes
    ? undefined
    : (types.find((row) => !isSet(row, 'userDefined') && intOf(row, 'id') === intOf(own, 'systemId')) ??
      types.find((row) => !isSet(row, 'userDefined') && intOf(row, 'systemId') === intOf(own, 'systemId')));

const makeTypes = ({ rows, typeOf, notKept }: Assembly): Contents['types'] => {
  const tableTypes = new Set(rows.tableTypes.map((row) => `${nameOf(row, 'schema')}.${nameOf(row)}`));
  const own = rows.types.filter(
    (row) => isSet(row, 'userDefined') && !tableTypes.has(`${nameOf(row, 'schema')}.${nameOf(row)}`),
  );
  return own
    .flatMap((row) => {
      const { schema: _, ...base } = typeOf({ ...row, type: row.id });
      if (base.base === 'unknown' || base.base === nameOf(row)) {
        notKept(
          `type ${nameOf(row, 'schema')}.${nameOf(row)}`,
          'it is of the CLR: its assembly is not in the catalogue as T-SQL',
        );
        return [];
      }
      return [{ ...qualified(row), base: { ...base, name: base.base }, nullable: isSet(row, 'nullable') }];
    })
    .toSorted(byName);
};

const makeSequences = ({ rows, typeOf }: Assembly): Contents['sequences'] =>
  rows.sequences
    .map((row) => ({
      ...qualified(row),
      type: typeOf({ ...row, maxLength: 0 }),
      start: nameOf(row, 'start'),
      increment: nameOf(row, 'increment'),
      minimum: nameOf(row, 'minimum'),
      maximum: nameOf(row, 'maximum'),
      cycle: isSet(row, 'cycle'),
      cache: isSet(row, 'cached')
        ? textOf(row, 'cacheSize') === undefined
          ? -1
          : intOf(row, 'cacheSize')
        : 0,
      current: nameOf(row, 'current'),
      used: wasUsed(rows, row),
    }))
    .toSorted(byName);

/** Where the server does not tell, one that stands at its start may have given it away: it is taken as used. */
const wasUsed = (rows: Assembly['rows'], sequence: Row): boolean => {
  const use = rows.sequenceUse.find((row) => intOf(row, 'id') === intOf(sequence, 'id'));
  return use === undefined || textOf(use, 'lastUsed') !== undefined;
};
