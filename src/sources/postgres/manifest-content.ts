// manifest.json, made when everything before it has been read.
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { DatabaseDump } from './data-entries.ts';

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
    missing,
  };
  yield Buffer.from(`${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`);
}
