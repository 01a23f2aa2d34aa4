// The entries of one database.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Content, Entry, Previous } from '../source.ts';
import { type Dump, textEntry } from './dump.ts';
import { type Index, type IndexHead, indexContent, type PartitionIndex } from './index-file.ts';
import {
  attachmentsFolder,
  databaseFiles,
  databasePath,
  dataFolder,
  designPartition,
  documentsPath,
  type Partition,
} from './layout.ts';
import { fileMeta, type Loaded, type LoadedAttachment, loadPartitions } from './load-partition.ts';
import { type LocalDocuments, localDocumentsOf } from './local-documents.ts';
import { manifestOf } from './manifest-content.ts';
import { type Plan, planReading, totalsOf } from './plan.ts';
import { readAttachment } from './read-attachment.ts';
import { type DatabaseInfo, databaseInfo, revisionsLimit, securityOf, seqNumber } from './server.ts';
import type { DatabaseContents } from './server-contents.ts';

/** What the entries of a database are made with. */
interface DatabaseDump {
  readonly dump: Dump;
  readonly database: string;
  readonly folder: string;
  readonly info: DatabaseInfo;
  readonly plan: Plan;
}

/** A database that went away, or may not be read, is a failed item, and returns what is wrong with it. */
export async function* dumpDatabase(
  dump: Dump,
  database: string,
  previous?: Previous,
): AsyncGenerator<Entry, HoldfastError | undefined> {
  const folder = databasePath(database);
  let opened: DatabaseDump & { readonly security: Buffer; readonly limit: number | undefined };
  try {
    const info = await databaseInfo(dump.client, dump.facts, database);
    if (!info)
      throw new HoldfastError('ITEM_CHANGED', `the database ${database} was deleted during the backup`);
    const security = await securityOf(dump.client, database);
    const limit = await revisionsLimit(dump.client, database);
    opened = {
      dump,
      database,
      folder,
      info,
      security,
      limit,
      plan: await planReading(dump, database, info, previous),
    };
  } catch (error) {
    if (!hasCode(error, 'SOURCE_DENIED', 'ITEM_CHANGED')) throw error;
    const failed = new HoldfastError('ITEM_UNREADABLE', error.message, { hint: error.hint, cause: error });
    yield { path: folder, type: 'dir', meta: {}, failed, item: database };
    return error;
  }
  yield* entriesOf(opened, opened, previous);
  return undefined;
}

async function* entriesOf(
  of: DatabaseDump,
  { security, limit }: { readonly security: Buffer; readonly limit: number | undefined },
  previous: Previous | undefined,
): AsyncGenerator<Entry> {
  const { dump, database, folder, plan } = of;
  const file = (name: string, text: string | Buffer): Entry => textEntry(dump, `${folder}/${name}`, text);
  yield { path: folder, type: 'dir', meta: { mode: 0o700 } };
  yield file(databaseFiles.database, `${JSON.stringify(contentsOf(of, limit), undefined, 2)}\n`);
  const partitions = new Map<Partition, PartitionIndex>();
  let failed = 0;
  let isFirst = true;
  for await (const loaded of loadPartitions({ dump, database, plan, previous })) {
    if (isFirst && loaded.partition !== designPartition)
      yield { path: `${folder}/${dataFolder}`, type: 'dir', meta: { mode: 0o700 } };
    isFirst = false;
    if (loaded.index) partitions.set(loaded.partition, loaded.index);
    failed += loaded.failures.length;
    yield* partitionEntries(of, loaded);
  }
  const index: Index = { head: await headOf(of, partitions, failed > 0), partitions };
  yield { ...file(databaseFiles.index, ''), meta: fileMeta(dump), content: () => indexContent(index) };
  const local = dump.config.localDocuments ? await localDocumentsOf(dump.client, database) : undefined;
  yield* localEntries(of, local);
  const missing = failed > 0 ? [{ name: 'documents', reason: `${failed} documents could not be read` }] : [];
  yield file(databaseFiles.manifest, manifestOf(of, index, local, missing));
  yield file(databaseFiles.security, security);
}

const contentsOf = ({ database, info }: DatabaseDump, limit: number | undefined): DatabaseContents => ({
  database: 1,
  name: database,
  partitioned: info.partitioned,
  ...(info.shards !== undefined && { shards: info.shards }),
  ...(limit !== undefined && { revisionsLimit: limit }),
  documents: info.documents,
  ...(info.deleted !== undefined && { deleted: info.deleted }),
  updateSeq: info.updateSeq,
  purgeSeq: info.purgeSeq,
  ...(info.createdAt !== undefined && { createdAt: info.createdAt }),
});

function* partitionEntries(
  of: DatabaseDump,
  { partition, index, attachments, documents, failures }: Loaded,
): Generator<Entry> {
  const { dump, database, folder } = of;
  const attachmentFolder = `${folder}/${attachmentsFolder(partition)}`;
  if (attachments.length > 0) yield { path: attachmentFolder, type: 'dir', meta: { mode: 0o700 } };
  for (const attachment of attachments) yield attachmentEntry(of, attachmentFolder, attachment);
  for (const { id, error } of failures)
    yield {
      path: `${attachmentFolder}/${encodeURIComponent(id)}`,
      type: 'file',
      meta: {},
      failed: new HoldfastError('ITEM_UNREADABLE', error.message, { cause: error }),
      item: `${database}/${id}`,
    };
  if (!index) return;
  const common = {
    path: `${folder}/${documentsPath(partition)}`,
    type: 'file',
    chunking: 'table',
    item: database,
  } as const;
  yield 'meta' in documents
    ? { ...common, meta: documents.meta, content: () => documents.content(), unchanged: true }
    : { ...common, meta: fileMeta(dump, index.bytes), content: () => documents };
}

const attachmentEntry = ({ dump }: DatabaseDump, folder: string, { file, from }: LoadedAttachment): Entry => {
  const common = { path: `${folder}/${file}`, type: 'file' } as const;
  if ('meta' in from) return { ...common, meta: from.meta, content: () => from.content(), unchanged: true };
  const content = (): Content => readAttachment(dump.client, from);
  return { ...common, meta: fileMeta(dump, from.attachment.length), content };
};

function* localEntries(
  { dump, folder, database }: DatabaseDump,
  local: LocalDocuments | undefined,
): Generator<Entry> {
  if (!local) return;
  const path = `${folder}/${databaseFiles.local}`;
  if (local instanceof HoldfastError)
    yield { path, type: 'file', meta: {}, failed: local, item: `${database}/_local` };
  else
    yield {
      path,
      type: 'file',
      meta: fileMeta(dump, local.count.bytes),
      content: () => [local.lines],
      chunking: 'table',
      item: `${database}/_local`,
    };
}

/** What the next backup goes on from; when the server's count is not ours although nothing was written, it must not. */
const headOf = async (
  { dump, database, info, plan }: DatabaseDump,
  partitions: Index['partitions'],
  hasFailed: boolean,
): Promise<IndexHead> => {
  const after = await databaseInfo(dump.client, dump.facts, database);
  const isQuiet = after !== undefined && seqNumber(after.updateSeq) === seqNumber(info.updateSeq);
  const difference = info.documents - totalsOf({ partitions }).documents;
  const expected = plan.base?.head.surplus ?? difference;
  const isStrange = isQuiet && !hasFailed && difference !== expected;
  if (isStrange)
    dump.context.log.warn(
      { database, documents: info.documents, read: info.documents - difference },
      'the server counts other documents than were read; the next backup reads everything',
    );
  return {
    index: 1,
    database,
    since: isStrange ? null : plan.changed.lastSeq,
    depth: plan.depth,
    vendor: dump.facts.vendor,
    ...(info.createdAt !== undefined && { createdAt: info.createdAt }),
    purgeSeq: info.purgeSeq,
    updateSeq: info.updateSeq,
    surplus: isQuiet && !plan.base ? difference : (plan.base?.head.surplus ?? 0),
  };
};
