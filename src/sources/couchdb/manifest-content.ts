// manifest.json of a database.
import { combine, noRows, type RowCount } from '#lib/row-checksum.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import type { Dump } from './dump.ts';
import type { Index, PartitionIndex } from './index-file.ts';
import { databaseFiles, dataFolder, designPartition, documentsPath } from './layout.ts';
import type { LocalDocuments } from './local-documents.ts';
import type { Plan } from './plan.ts';
import type { DatabaseInfo } from './server.ts';

interface Described {
  readonly dump: Dump;
  readonly database: string;
  readonly info: DatabaseInfo;
  readonly plan: Plan;
}

/** Documents, design documents and local ones are its tables. */
export const manifestOf = (
  { dump, database, info, plan }: Described,
  { partitions }: Index,
  local: LocalDocuments | undefined,
  missing: Manifest['missing'],
): string => {
  const data = [...partitions.values()].filter(({ partition }) => partition !== designPartition);
  const design = partitions.get(designPartition);
  const manifest: Manifest = {
    manifest: 1,
    engine: 'couchdb',
    engineVersion: dump.facts.version,
    database,
    position: { updateSeq: info.updateSeq, since: plan.changed.lastSeq, purgeSeq: info.purgeSeq },
    capturedAt: dump.context.clock.now().toISOString(),
    tables: [
      { ...tableOf('documents', data), beside: [dataFolder] },
      ...(design ? [{ ...tableOf('design', [design]), beside: [designPartition] }] : []),
      ...(local && 'count' in local
        ? [{ name: 'local', entries: [databaseFiles.local], format: 'lines' as const, ...local.count }]
        : []),
    ],
    missing: [...missing, ...(local instanceof Error ? [{ name: 'local', reason: local.message }] : [])],
  };
  return `${JSON.stringify(manifestSchema.parse(manifest), undefined, 2)}\n`;
};

const tableOf = (name: string, partitions: readonly PartitionIndex[]): Manifest['tables'][number] => {
  const count = partitions
    .map(({ rows, bytes, checksum }): RowCount => ({ rows, bytes, checksum }))
    .reduce(combine, noRows);
  return {
    name,
    entries: partitions.map(({ partition }) => documentsPath(partition)),
    format: 'lines',
    ...count,
  };
};
