// Which tables of a database are dumped, and what else cannot be without those that are not.
import { HoldfastError } from '#lib/errors.ts';
import type { PostgresConfig } from './config.ts';
import { plainName, type QualifiedName, quoteIdentifier } from './identifiers.ts';
import { orReadAll, type Sequence, type Table, type ViewUse } from './listing.ts';
import { wantedOf } from './patterns.ts';

export interface Choice {
  /** With their definition. */
  readonly tables: readonly Table[];
  /** Those of them whose rows are wanted, by plain name. */
  readonly withRows: ReadonlySet<string>;
  readonly sequences: readonly Sequence[];
  /** Relations that pg_dump must leave out. */
  readonly leftOut: readonly QualifiedName[];
  /** What was wanted and cannot be had, with the reason. */
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly name: QualifiedName;
  readonly error: HoldfastError;
}

export interface Found {
  readonly database: string;
  readonly user: string;
  readonly major: number;
  readonly tables: readonly Table[];
  readonly sequences: readonly Sequence[];
  readonly viewUses: readonly ViewUse[];
  /** Of the tables that could not be locked, by plain name. */
  readonly lockFailures: ReadonlyMap<string, HoldfastError>;
}

/** Decides for each table. A table that cannot be read is a failure, and so is each that needs it. */
export const chooseTables = (config: PostgresConfig, found: Found): Choice => {
  const { database, tables } = found;
  const unwanted = tables.filter((table) => wantedOf(config, database, table) === 'nothing');
  const dropped = withDependents(unwanted, found);
  const failures = new Map<number, Failure>();
  for (const table of tables) {
    const error = dropped.has(table.oid) ? undefined : problemOf(table, found);
    if (error) failures.set(table.oid, { name: table, error });
  }
  for (const failure of [...failures.values()])
    for (const [oid, name] of withDependents([failure.name as Table], found))
      if (!dropped.has(oid) && !failures.has(oid))
        failures.set(oid, { name, error: needs(name, failure.name) });
  const gone = new Map([...dropped, ...[...failures].map(([oid, { name }]) => [oid, name] as const)]);
  const kept = tables.filter(({ oid }) => !gone.has(oid));
  const goneNames = new Set([...gone.values()].map(plainName));
  const isGone = ({ owner }: Sequence): boolean => owner !== null && goneNames.has(plainName(owner));
  return {
    tables: kept,
    withRows: new Set(
      kept
        .filter((table) => table.kind === 'table' && wantedOf(config, database, table) === 'all')
        .map(plainName),
    ),
    sequences: found.sequences.filter((sequence) => !isGone(sequence)),
    leftOut: [...gone.values(), ...found.sequences.filter(isGone)],
    failures: [...failures.values()],
  };
};

/** The tables, their partitions and heirs, and the views on any of these, to the last one. */
const withDependents = (roots: readonly Table[], { tables, viewUses }: Found): Map<number, QualifiedName> => {
  const gone = new Map<number, QualifiedName>(roots.map((table) => [table.oid, table]));
  const names = new Set(roots.map(plainName));
  for (let size = -1; size !== gone.size; ) {
    size = gone.size;
    for (const table of tables)
      if (table.parents.some((parent) => names.has(plainName(parent)))) {
        gone.set(table.oid, table);
        names.add(plainName(table));
      }
    for (const { view, uses } of viewUses) if (gone.has(uses)) gone.set(view.oid, view);
  }
  return gone;
};

const problemOf = (table: Table, { user, major, lockFailures }: Found): HoldfastError | undefined => {
  const name = plainName(table);
  if (table.kind === 'foreign') return undefined; // its rows are elsewhere
  if (!table.readable)
    return new HoldfastError('ITEM_UNREADABLE', `${user} may not read table ${name}`, {
      hint: `grant usage on schema ${quoteIdentifier(table.schema)} and select on the table to ${user}${orReadAll(major)}`,
    });
  if (!table.sameStorage)
    return new HoldfastError(
      'ITEM_CHANGED',
      `table ${name} was rewritten or emptied just as the backup began`,
      {
        hint: 'run the backup again',
      },
    );
  return lockFailures.get(name);
};

const needs = (name: QualifiedName, needed: QualifiedName): HoldfastError =>
  new HoldfastError(
    'ITEM_UNREADABLE',
    `${plainName(name)} cannot be without ${plainName(needed)}, which could not be read`,
  );
