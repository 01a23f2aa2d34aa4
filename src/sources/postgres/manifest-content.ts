// manifest.json, made when everything before it has been read.
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { DatabaseDump } from './data-entries.ts';
import { plainName } from './identifiers.ts';
import { tablePath } from './layout.ts';

/** Waits for the rows; fails when the snapshot was lost, because then nobody can say what was read. */
export async function* manifestContent(of: DatabaseDump): AsyncGenerator<Uint8Array> {
  const { dump, database, snapshot, reading, tally } = of;
  const { tables, missing } = await tally.settled();
  await reading.assertHeld();
  const manifest: Manifest = {
    manifest: 1,
    engine: 'postgres',
    engineVersion: dump.facts.version,
    database,
    position: { ...snapshot.position },
    capturedAt: snapshot.takenAt.toISOString(),
    tables,
    ...partitionedOf(of),
    missing,
  };
  yield Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}

const partitionedOf = ({ choice }: DatabaseDump): Pick<Manifest, 'partitioned'> => {
  const children = Map.groupBy(
    choice.tables.flatMap((table) => table.parents.map((parent) => ({ table, parent: plainName(parent) }))),
    ({ parent }) => parent,
  );
  /** Its partitions, and theirs. */
  const partsOf = (name: string): string[] =>
    (children.get(name) ?? [])
      .map(({ table }) => plainName(table))
      .flatMap((part) => [part, ...partsOf(part)]);
  const partitioned = choice.tables
    .filter(({ kind }) => kind === 'partitioned')
    .map((table) => ({
      name: plainName(table),
      folder: tablePath(table),
      tables: partsOf(plainName(table)).filter((name) => choice.withRows.has(name)),
    }));
  return partitioned.length > 0 ? { partitioned } : {};
};
