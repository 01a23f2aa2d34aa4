// Finds a document by its id in what a backup of CouchDB holds; no server is needed.
import type { RecordFinder } from '../records.ts';
import { attachmentsFolder, databasePath, type Place, parsePath, partitionOf } from './layout.ts';
import { leafAt } from './leaf.ts';
import { splitLines } from './lines.ts';

export const documents: RecordFinder = {
  holds(path, id) {
    const place = placeIn(path);
    if (place?.kind === 'file') return place.file === 'local' && id.startsWith('_local/');
    return place?.kind === 'documents' && place.partition === partitionOf(id, depthOf(place.partition));
  },
  beside(path) {
    const place = placeIn(path);
    return place?.kind === 'documents'
      ? [`${databasePath(place.database)}/${attachmentsFolder(place.partition)}`]
      : [];
  },
  async *read(content, id) {
    for await (const line of splitLines(content)) {
      const leaf = leafAt(line, 0);
      if (leaf.id === id) yield { bytes: line, label: leaf.deleted ? `${leaf.rev} (deleted)` : leaf.rev };
    }
  },
};

const placeIn = (path: string): Place | undefined => {
  try {
    return parsePath(path);
  } catch {
    return undefined; // a folder, or no file of ours
  }
};

/** By how many digits the documents of this file are told from those of others. */
const depthOf = (partition: string): number => (/^[0-9a-f]+$/.test(partition) ? partition.length : 0);
