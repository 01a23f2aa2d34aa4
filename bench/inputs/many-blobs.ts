// A repository of very many small blobs, as tables of databases make them, of which a tenth is no longer used.
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { seededRandom } from '#lib/random.ts';
import type { Snapshot } from '#repository/contract.ts';
import { createRepository, openRepository } from '#repository/repository.ts';
import type { Entry } from '#sources/source.ts';
import { openLocalStore } from '#stores/local/local.ts';
import { noiseBytes } from './noise.ts';

const mebibyte = 1024 * 1024;
/** Of the tables in the first snapshot, which is then forgotten, so many are in the second one, too. */
const keptShare = 0.9;

/**
 * Makes it in a folder that is not there yet; what nothing compresses, in blobs of about 9 KiB. What is kept is not read
 * again for the second snapshot, and nothing is compressed or verified: large ones take long enough.
 */
export const writeManyBlobs = async (folder: string, password: string, mebibytes: number): Promise<void> => {
  const random = seededRandom('many blobs');
  const all = Array.from({ length: mebibytes }, (_, table) => table);
  const kept = all.filter(() => random.chance(keptShare));
  const { signal } = new AbortController();
  await using store = openLocalStore(folder);
  await createRepository(store, password);
  await using repository = await openRepository(store, password, {
    lock: 'exclusive',
    compression: 'off',
    verifyAfterSeal: false,
    signal,
    log: silentLog,
  });
  const write = async (tables: readonly number[], parent?: Snapshot): Promise<Snapshot> => {
    const { snapshot } = await repository.write(tableEntries(tables, parent !== undefined), {
      root: 'many',
      tags: ['source:many'],
      time: systemClock.now(),
      concurrency: 4,
      signal,
      ...(parent && { parent }),
    });
    if (!snapshot) throw new Error('there is no snapshot of many blobs');
    return snapshot;
  };
  const first = await write(all);
  await write(kept, first);
  await repository.forget(first);
};

async function* tableEntries(tables: readonly number[], unchanged: boolean): AsyncGenerator<Entry> {
  for (const table of tables)
    yield {
      path: `${`${table}`.padStart(6, '0')}/0000.copy`, // each table in a folder, as in snapshots of databases
      type: 'file',
      meta: { size: mebibyte },
      chunking: 'table',
      ...(unchanged && { unchanged }),
      content: () => noiseBytes(`table ${table}`, mebibyte),
    };
}
