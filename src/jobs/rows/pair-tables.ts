// The tables of two snapshots, each beside its like.
import { HoldfastError } from '#lib/errors.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { ManifestTable } from '#sources/manifest.ts';
import { entriesOf, type FoundManifest } from '../manifests.ts';
import { tagOf } from '../snapshot-choice.ts';
import { tablesNamed } from './table-names.ts';
import type { Sides } from './unmatched.ts';

export interface TableSide {
  readonly snapshot: Snapshot;
  /** Its database's, as the snapshot has it. */
  readonly folder: string;
  /** Undefined where the snapshot has no such table. */
  readonly table: ManifestTable | undefined;
  /** Why the backup could not capture it. */
  readonly missing: string | undefined;
  /** Where its rows lie in the snapshot. */
  readonly paths: readonly string[];
}

export interface TablePair {
  /** The database's folder, of the newer snapshot if that has it. */
  readonly database: string;
  readonly name: string;
  readonly sides: Sides<TableSide>;
}

export interface SnapshotTables {
  readonly snapshot: Snapshot;
  readonly databases: readonly FoundManifest[];
}

/**
 * Every table that either has, or those that are wanted: in full as the manifests have them, or without a schema.
 * PATH_UNKNOWN for a wanted one that neither has.
 */
export const pairTables = (both: Sides<SnapshotTables>, wanted: readonly string[]): TablePair[] => {
  const pairs = pairDatabases(both).flatMap((databases) => tablesOf(both, databases));
  const choices = wanted.map((name) => {
    const named = new Set(
      both.flatMap(({ databases }) => databases.flatMap(({ manifest }) => tablesNamed(manifest, name))),
    );
    const found = pairs.filter((pair) => named.has(pair.name));
    if (found.length > 0) return found;
    const known = [...new Set(pairs.map((pair) => pair.name))];
    throw new HoldfastError(
      'PATH_UNKNOWN',
      `neither snapshot holds a table "${name}"${didYouMean(name, known)}`,
      { hint: 'leave out --table to compare all' },
    );
  });
  return wanted.length === 0 ? pairs : pairs.filter((pair) => choices.some((found) => found.includes(pair)));
};

type Databases = Sides<FoundManifest | undefined>;

/** By the name below the source's folder; the only one of each is the same, whatever it is called. */
const pairDatabases = ([before, after]: Sides<SnapshotTables>): Databases[] => {
  if (before.databases.length === 1 && after.databases.length === 1)
    return [[before.databases[0], after.databases[0]]];
  const [old, young] = [byName(before), byName(after)];
  return [...new Set([...old.keys(), ...young.keys()])].map((name) => [old.get(name), young.get(name)]);
};

const byName = ({ snapshot, databases }: SnapshotTables): Map<string, FoundManifest> => {
  const root = tagOf(snapshot, 'source') ?? '';
  return new Map(databases.map((one) => [one.folder.slice(root.length), one]));
};

const tablesOf = (both: Sides<SnapshotTables>, databases: Databases): TablePair[] => {
  const names = databases.flatMap((one) =>
    one ? [...one.manifest.tables, ...one.manifest.missing].map(({ name }) => name) : [],
  );
  return [...new Set(names)].map((name) => ({
    database: (databases[1] ?? databases[0])?.folder ?? '',
    name,
    sides: [sideOf(both[0].snapshot, databases[0], name), sideOf(both[1].snapshot, databases[1], name)],
  }));
};

const sideOf = (snapshot: Snapshot, one: FoundManifest | undefined, name: string): TableSide => {
  const table = one?.manifest.tables.find((each) => each.name === name);
  return {
    snapshot,
    folder: one?.folder ?? '',
    table,
    missing: one?.manifest.missing.find((each) => each.name === name)?.reason,
    paths: one && table ? entriesOf(one, table) : [],
  };
};
