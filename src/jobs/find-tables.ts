// Tables and collections of a snapshot by their names.
import { HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Snapshot } from '#repository/contract.ts';
import { entriesOf, type FoundManifest } from './manifests.ts';

export interface FoundTable {
  /** As its manifest has it: 'public.orders'. */
  readonly name: string;
  /** Where its data lies in the snapshot. */
  readonly paths: readonly string[];
}

/**
 * The tables of these names: in full as the manifests have them, or without a schema where only one fits. PATH_UNKNOWN when
 * there is none, USAGE when there are several.
 */
export const findTables = (
  names: readonly string[],
  databases: readonly FoundManifest[],
  snapshot: Snapshot,
): FoundTable[] => {
  const all = databases.flatMap((one) => [
    ...one.manifest.tables.map((table) => ({ one, table, parts: [table], folders: table.beside ?? [] })),
    ...(one.manifest.partitioned ?? []).map((table) => ({
      one,
      table,
      parts: one.manifest.tables.filter((part) => table.tables.includes(part.name)),
      folders: [table.folder],
    })),
  ]);
  return names.map((name) => {
    const exact = all.filter(({ table }) => table.name === name);
    const found = exact.length > 0 ? exact : all.filter(({ table }) => table.name.endsWith(`.${name}`));
    const [only, ...others] = found;
    if (only === undefined)
      throw unknownTable(
        snapshot,
        name,
        all.map(({ table }) => table.name),
      );
    if (others.length > 0) throw severalTables(name, found);
    const { one, table, parts, folders } = only;
    const below = folders.map((folder) => `${one.folder}/${folder}`);
    return { name: table.name, paths: [...parts.flatMap((part) => entriesOf(one, part)), ...below] };
  });
};

const severalTables = (
  name: string,
  found: readonly { readonly one: FoundManifest; readonly table: { readonly name: string } }[],
): HoldfastError => {
  const inOne = new Set(found.map(({ one }) => one.folder)).size === 1;
  return new HoldfastError('USAGE', `"${name}" could be any of ${found.length} tables`, {
    hint: inOne
      ? `say which: ${found.map(({ table }) => table.name).join(', ')}`
      : `say in which database, with --path: ${found.map(({ one }) => one.folder).join(', ')}`,
  });
};

const unknownTable = (snapshot: Snapshot, name: string, known: readonly string[]): HoldfastError => {
  const listed = `it holds ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', …' : ''}`;
  return new HoldfastError(
    'PATH_UNKNOWN',
    `snapshot ${shortId(snapshot.id)} holds no table "${name}"${didYouMean(name, known)}`,
    { hint: known.length === 0 ? 'it holds no tables at all' : listed },
  );
};
