// Tables and table types, with their columns, keys, indexes and constraints.
import { intOf, isSet, nameOf, type Row, textOf } from './answers.ts';
import {
  type AssembleOptions,
  type Assembly,
  byName,
  compare,
  type FoundTable,
  optional,
  qualified,
} from './assemble.ts';
import { plainName, type QualifiedName } from './identifiers.ts';
import { givenIndexName } from './index-name.ts';
import type { Check, Column, Contents, ForeignKey, Index, Table } from './model.ts';
import { foreignKeyActions } from './model.ts';

export const makeTables = (
  assembly: Assembly,
  wanted: AssembleOptions['wanted'],
): { readonly tables: Table[]; readonly found: FoundTable[] } => {
  const all = assembly.rows.tables.map((row) => ({ id: intOf(row, 'id'), ...qualified(row) }));
  const found = all.filter((table) => wanted(table) !== 'nothing').toSorted(byName);
  const kept = new Set(found.map(({ id }) => id));
  const lookup = lookupOf(assembly, all);
  const tables = found.map(
    (table): Table => ({
      schema: table.schema,
      name: table.name,
      columns: columnsOf(lookup, table.id, `table ${plainName(table)}`),
      indexes: indexesOf(lookup, table),
      checks: checksOf(lookup, table),
      foreignKeys: foreignKeysOf(lookup, table, kept),
      ...optional('history', historyOf(lookup, table.id)),
      ...optional('compression', compressionOf(lookup, table.id, 0, tableCompressions)),
      rows: wanted(table) === 'all',
    }),
  );
  for (const table of found) {
    noteWhatIsNotKept(lookup, table);
    if (wanted(table) === 'all') noteWhatIsNotSeen(lookup, table);
  }
  return { tables, found };
};

export const makeTableTypes = (assembly: Assembly): Contents['tableTypes'] => {
  const all = assembly.rows.tableTypes.map((row) => ({ id: intOf(row, 'id'), ...qualified(row) }));
  const lookup = lookupOf(assembly, all);
  return all.toSorted(byName).map((type) => ({
    schema: type.schema,
    name: type.name,
    columns: columnsOf(lookup, type.id, `type ${plainName(type)}`),
    indexes: indexesOf(lookup, type),
    checks: checksOf(lookup, type),
  }));
};

/** Rows by the object that they belong to. */
export interface Lookup {
  readonly assembly: Assembly;
  readonly objects: ReadonlyMap<number, QualifiedName>;
  of(question: keyof Assembly['rows'], objectId: number, key?: 'object' | 'id'): readonly Row[];
  columnName(objectId: number, columnId: number): string;
}

export const lookupOf = (assembly: Assembly, objects: readonly FoundTable[]): Lookup => {
  const grouped = new Map<keyof Assembly['rows'], Map<number, Row[]>>();
  const of = (
    question: keyof Assembly['rows'],
    objectId: number,
    key: 'object' | 'id' = 'object',
  ): readonly Row[] => {
    const groups = grouped.get(question) ?? Map.groupBy(assembly.rows[question], (row) => intOf(row, key));
    grouped.set(question, groups);
    return groups.get(objectId) ?? [];
  };
  return {
    assembly,
    objects: new Map(objects.map(({ id, schema, name }) => [id, { schema, name }])),
    of,
    columnName: (objectId, columnId) =>
      nameOf(of('columns', objectId).find((row) => intOf(row, 'id') === columnId) ?? {}),
  };
};

const columnsOf = (lookup: Lookup, objectId: number, owner: string): Column[] => {
  const about = (
    question: 'computed' | 'identities' | 'defaults' | 'hidden' | 'encrypted',
    row: Row,
  ): Row | undefined => lookup.of(question, objectId).find((each) => intOf(each, 'id') === intOf(row, 'id'));
  const [period] = lookup.of('periods', objectId);
  return lookup
    .of('columns', objectId)
    .toSorted((a, b) => intOf(a, 'id') - intOf(b, 'id'))
    .map((row) => {
      const what = `${owner}, column ${nameOf(row)}`;
      const computed = isSet(row, 'computed') ? about('computed', row) : undefined;
      const identity = isSet(row, 'identity') ? about('identities', row) : undefined;
      const preset = about('defaults', row);
      return {
        id: intOf(row, 'id'),
        name: nameOf(row),
        type: lookup.assembly.typeOf(row),
        ...optional('collation', textOf(row, 'collation')),
        nullable: isSet(row, 'nullable'),
        ...(isSet(row, 'rowGuid') && { rowGuid: true }),
        ...(isSet(row, 'sparse') && { sparse: true }),
        ...(identity && { identity: identityOf(identity) }),
        ...(computed && {
          computed: {
            definition: definitionOf(lookup.assembly, computed, what) ?? 'NULL',
            persisted: isSet(computed, 'persisted'),
          },
        }),
        ...(preset && {
          default: {
            name: nameOf(preset),
            definition: definitionOf(lookup.assembly, preset, what) ?? 'NULL',
          },
        }),
        ...(period && intOf(period, 'startColumn') === intOf(row, 'id') && { period: 'start' as const }),
        ...(period && intOf(period, 'endColumn') === intOf(row, 'id') && { period: 'end' as const }),
        ...(about('hidden', row) && { hidden: true }),
        ...(about('encrypted', row) && { encrypted: true }),
      };
    });
};

const identityOf = (row: Row): NonNullable<Column['identity']> => ({
  seed: textOf(row, 'seed') ?? '1',
  increment: textOf(row, 'increment') ?? '1',
  ...optional('last', textOf(row, 'last')),
});

/** Without the right to see definitions, they are NULL. */
export const definitionOf = ({ fail }: Assembly, row: Row, what: string): string | undefined => {
  const definition = textOf(row, 'definition');
  if (definition === undefined)
    fail(
      what,
      'its definition may not be read, or is encrypted',
      'grant view definition on the database to the login',
    );
  return definition;
};

export const indexesOf = (lookup: Lookup, table: FoundTable): Index[] =>
  lookup
    .of('indexes', table.id)
    .flatMap((row) => {
      const kind = kindOf(row);
      if (kind !== undefined) return [indexOf(lookup, table, row, kind)];
      const name = `index ${nameOf(row)} on ${plainName(table)}`;
      lookup.assembly.notKept(name, `${nameOf(row, 'kind').toLowerCase()} indexes are not kept`);
      return [];
    })
    .toSorted((a, b) => Number(b.clustered) - Number(a.clustered) || compare(a.name, b.name));

const indexOf = (lookup: Lookup, table: FoundTable, row: Row, kind: Index['kind']): Index => {
  // A columnstore has neither key nor order.
  const isColumnstore = kind === 'columnstore';
  const own = lookup.of('indexColumns', table.id).filter((each) => intOf(each, 'index') === intOf(row, 'id'));
  const named = (each: Row): string => lookup.columnName(table.id, intOf(each, 'column'));
  const inOrder = (by: string, fits: (each: Row) => boolean): Row[] =>
    own.filter(fits).toSorted((a, b) => intOf(a, by) - intOf(b, by));
  const keys = isColumnstore
    ? inOrder('position', () => true)
    : inOrder('keyOrdinal', (each) => intOf(each, 'keyOrdinal') > 0 && !isSet(each, 'included'));
  const included = isColumnstore ? [] : inOrder('position', (each) => isSet(each, 'included'));
  return {
    name: givenIndexName(nameOf(row), table.name),
    kind,
    clustered: intOf(row, 'type') === 1 || intOf(row, 'type') === 5,
    unique: isSet(row, 'unique'),
    columns: keys.map((each) => ({ name: named(each), descending: isSet(each, 'descending') })),
    included: included.map(named),
    ...optional('filter', textOf(row, 'filter')),
    ...(intOf(row, 'fillFactor') > 0 && { fillFactor: intOf(row, 'fillFactor') }),
    ...(isSet(row, 'ignoreDuplicates') && { ignoreDuplicates: true }),
    ...(isSet(row, 'disabled') && { disabled: true }),
    ...optional('compression', compressionOf(lookup, table.id, intOf(row, 'id'), indexCompressions)),
  };
};

const tableCompressions = ['ROW', 'PAGE'] as const;
const indexCompressions = [...tableCompressions, 'COLUMNSTORE_ARCHIVE'] as const;

/** A table without clustered index stands as its index 0. */
const compressionOf = <Compression extends string>(
  lookup: Lookup,
  objectId: number,
  indexId: number,
  known: readonly Compression[],
): Compression | undefined => {
  const row = lookup.of('compression', objectId).find((each) => intOf(each, 'index') === indexId);
  return row && known.find((each) => each === nameOf(row, 'compression'));
};

/** By the numbers of sys.indexes.type: 1 and 2 are trees, 5 and 6 columnstores; XML, spatial and hash indexes are others. */
const kindOf = (row: Row): Index['kind'] | undefined => {
  const type = intOf(row, 'type');
  if (type === 5 || type === 6) return 'columnstore';
  if (type !== 1 && type !== 2) return undefined;
  if (isSet(row, 'primaryKey')) return 'primary key';
  return isSet(row, 'uniqueConstraint') ? 'unique' : 'index';
};

const checksOf = (lookup: Lookup, table: FoundTable): Check[] =>
  lookup
    .of('checks', table.id)
    .flatMap((row) => {
      const definition = definitionOf(lookup.assembly, row, `check ${nameOf(row)} of ${plainName(table)}`);
      return definition === undefined ? [] : [{ name: nameOf(row), definition, ...stateOf(row) }];
    })
    .toSorted((a, b) => compare(a.name, b.name));

const stateOf = (row: Row): Pick<Check, 'disabled' | 'notTrusted'> => ({
  ...(isSet(row, 'disabled') && { disabled: true }),
  ...(isSet(row, 'notTrusted') && { notTrusted: true }),
});

const foreignKeysOf = (lookup: Lookup, table: FoundTable, kept: ReadonlySet<number>): ForeignKey[] =>
  lookup
    .of('foreignKeys', table.id)
    .flatMap((row) => {
      const targetId = intOf(row, 'target');
      const target = lookup.objects.get(targetId);
      if (!target || !kept.has(targetId)) return []; // to a table that was left out
      const columns = lookup
        .of('foreignKeyColumns', intOf(row, 'id'), 'id')
        .toSorted((a, b) => intOf(a, 'position') - intOf(b, 'position'));
      return [
        {
          name: nameOf(row),
          columns: columns.map((each) => lookup.columnName(table.id, intOf(each, 'column'))),
          references: {
            ...target,
            columns: columns.map((each) => lookup.columnName(targetId, intOf(each, 'target'))),
          },
          onDelete: foreignKeyActions[intOf(row, 'onDelete')] ?? 'NO ACTION',
          onUpdate: foreignKeyActions[intOf(row, 'onUpdate')] ?? 'NO ACTION',
          ...stateOf(row),
        },
      ];
    })
    .toSorted((a, b) => compare(a.name, b.name));

const historyOf = ({ assembly, objects }: Lookup, objectId: number): Table['history'] => {
  const row = assembly.rows.temporal.find(
    (each) => intOf(each, 'id') === objectId && intOf(each, 'type') === 2,
  );
  const history = row && objects.get(intOf(row, 'history'));
  const kept = assembly.rows.retention.find((each) => intOf(each, 'id') === objectId);
  return (
    history && { ...history, ...(kept && { retention: `${intOf(kept, 'length')} ${nameOf(kept, 'unit')}` }) }
  );
};

const noteWhatIsNotKept = ({ assembly, of }: Lookup, table: FoundTable): void => {
  const name = plainName(table);
  for (const row of of('partitioned', table.id))
    assembly.notKept(
      `partitions of ${name}`,
      `the scheme ${nameOf(row, 'scheme')} is not kept; the rows are`,
    );
  for (const row of of('typedXml', table.id))
    assembly.notKept(`schema of the column ${nameOf(row)} of ${name}`, 'XML schema collections are not kept');
  for (const row of of('masks', table.id))
    assembly.notKept(`mask of the column ${nameOf(row)} of ${name}`, 'masks are not kept');
  if (of('memoryTables', table.id).length > 0)
    assembly.notKept(
      `memory optimisation of ${name}`,
      'it becomes a table on disk, and is read apart from the snapshot of the others',
    );
  if (of('fullText', table.id).length > 0)
    assembly.notKept(`full-text index on ${name}`, 'full-text indexes are not kept');
  for (const row of of('columnSets', table.id))
    assembly.notKept(`column set ${nameOf(row)} of ${name}`, 'it becomes a column of its own');
  if (of('ledgers', table.id).length > 0)
    assembly.notKept(`ledger of ${name}`, 'it becomes a table like others');
  if (of('externalTables', table.id).length > 0)
    assembly.notKept(`external source of ${name}`, 'it becomes a table of the database');
};

/** What the server shows to this login in place of what is there, without any error. */
const noteWhatIsNotSeen = ({ assembly, of }: Lookup, table: FoundTable): void => {
  const name = plainName(table);
  for (const row of of('masks', table.id))
    if (!isSet(row, 'seen'))
      assembly.fail(
        `column ${nameOf(row)} of ${name}`,
        'it is masked for the login: what is read are not its values',
        'grant unmask to the login, or leave the table out',
      );
  for (const row of of('rowFilters', table.id))
    assembly.notKept(
      `rows of ${name} that the policy ${nameOf(row)} hides from the login`,
      'they are not seen; let its predicate pass the login',
    );
};
