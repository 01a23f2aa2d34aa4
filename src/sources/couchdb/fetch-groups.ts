// Partitions whose documents are fetched together. Those of one lie far apart in the server's trees, which are in the order of ids;
// of many partitions together, most have a neighbour.
import type { ChangedDocument } from './changed.ts';
import { designPartition, type Partition } from './layout.ts';
import type { Plan } from './plan.ts';

/** Each with those of its documents that changed. */
export type FetchGroup = readonly {
  readonly partition: Partition;
  readonly changed: ReadonlyMap<string, ChangedDocument>;
}[];

/** What the documents of one group may take in memory, as far as one can tell, and how many they may be. */
const groupBytes = 16 * 1024 * 1024;
const groupDocuments = 50_000;
const groupPartitions = 4096;

/** All partitions in the order of their paths, those without changes too. */
export function* fetchGroups(plan: Plan): Generator<FetchGroup> {
  const documentsAtMost = Math.min(groupDocuments, groupBytes / plan.typicalBytes);
  let [group, documents]: [FetchGroup[number][], number] = [[], 0];
  for (const partition of partitionsOf(plan)) {
    const changed = plan.changed.of(partition);
    if (group.length > 0 && (documents + changed.size > documentsAtMost || group.length >= groupPartitions)) {
      yield group;
      [group, documents] = [[], 0];
    }
    group.push({ partition, changed });
    documents += changed.size;
  }
  if (group.length > 0) yield group;
}

/** In the order of their paths: 'design' comes after all digits, and its folder after that of the data. */
const partitionsOf = ({ base, changed }: Plan): Partition[] => {
  const all = [...new Set([...(base?.partitions.keys() ?? []), ...changed.partitions])];
  const data = all.filter((partition) => partition !== designPartition).sort();
  return all.length > data.length ? [...data, designPartition] : data;
};
