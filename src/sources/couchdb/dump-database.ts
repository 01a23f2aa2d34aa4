// The entries of one database.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { folderEntry } from '../own-entries.ts';
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
  yield folderEntry(folder);
  yield file(databaseFiles.database, `${JSON.stringify(contentsOf(of, limit), undefined, 2)}\n`);
  const partitions = new Map<Partition, PartitionIndex>();
  let failed = 0;
  let isFirst = true;
  for await (const loaded of loadPartitions({ dump, database, plan, previous })) {
    if (isFirst && loaded.partition !== designPartition) yield folderEntry(`${folder}/${dataFolder}`);
    isFirst = false;
    if (loaded.index) partitions.set(loaded.partition, loaded.index);
    failed += loaded.failures.length;
    yield* partitionEntries(of, loaded);
  }
  const { head, lacking } = await headOf(of, partitions, failed > 0);
  if (lacking > 0)
    yield {
      path: `${folder}/documents`,
      type: 'file',
      meta: {},
      failed: unlisted(of, lacking),
      item: database,
    };
  const index: Index = { head, partitions };
  yield { ...file(databaseFiles.index, ''), meta: fileMeta(dump), content: () => indexContent(index) };
  const local = dump.config.localDocuments ? await localDocumentsOf(dump.client, database) : undefined;
  yield* localEntries(of, local);
  const missing =
    failed + lacking > 0
      ? [{ name: 'documents', reason: `${failed + lacking} documents could not be read` }]
      : [];
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
  if (attachments.length > 0) yield folderEntry(attachmentFolder);
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

const unlisted = ({ dump, database }: DatabaseDump, lacking: number): HoldfastError =>
  new HoldfastError(
    'ITEM_UNREADABLE',
    `CouchDB at ${dump.client.server} counts ${plural(lacking, 'document')} in ${database} that its feed of changes does not list`,
    {
      hint: 'run the backup again, which reads everything; if it stays so, the database is damaged, or what stands before the server leaves something out',
    },
  );

/**
 * What the next backup goes on from; when the server's count is not ours although nothing was written, it must not. Documents that
 * lack after everything was read are counted; not of PouchDB Server, which miscounts.
 */
const headOf = async (
  { dump, database, info, plan }: DatabaseDump,
  partitions: Index['partitions'],
  hasFailed: boolean,
): Promise<{ readonly head: IndexHead; readonly lacking: number }> => {
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
  const isSure = isQuiet && !hasFailed && !plan.base && dump.facts.vendor === 'CouchDB';
  const counted = Math.min(info.documents, after?.documents ?? 0); // fewer when some were purged meanwhile
  const lacking = isSure ? Math.max(0, counted - info.documents + difference) : 0;
  const head: IndexHead = {
    index: 1,
    database,
    since: isStrange || lacking > 0 ? null : plan.changed.lastSeq,
    depth: plan.depth,
    vendor: dump.facts.vendor,
    ...(info.createdAt !== undefined && { createdAt: info.createdAt }),
    purgeSeq: info.purgeSeq,
    updateSeq: info.updateSeq,
    surplus: isQuiet && !plan.base ? difference : (plan.base?.head.surplus ?? 0),
  };
  return { head, lacking };
};
