// A table stored beside what an earlier snapshot has of it: the rows that are new, and which of the earlier ones are gone.
import { bufferOf } from '#lib/buffer-of.ts';
import { hasCode } from '#lib/errors.ts';
import { type RowFormat, rowEnds } from '#lib/row-format.ts';
import type { Content, EntryMeta } from '#sources/source.ts';
import { readContent } from '../reading/read-content.ts';
import type { Session } from '../session.ts';
import { encodeTree, type TreeNode } from '../trees/tree.ts';
import { lengthOf } from '../trees/tree-parts.ts';
import type { BlobWriter } from '../writing/blob-writer.ts';
import { type BlobTotals, type ContentCutter, isCutAsFile } from '../writing/content-cutter.ts';
import { readEarlierRows } from './earlier-rows.ts';
import { KeptPrints, printKey } from './kept-prints.ts';
import type { Reading } from './layer-files.ts';
import { bytesOf, idsOf, type Layer, type LayerList, type Layers, layersOf, nodesOf } from './layers.ts';
import { newRows } from './new-rows.ts';
import type { RowBudget } from './row-budget.ts';
import { formatRowNumbers, mostRowNumbers, type RowNumbers } from './row-numbers.ts';
import type { RowTable, RowTableOptions } from './row-table.ts';

/** Smaller files are stored whole: their small blobs cost no more. */
const smallestBytes = 1024 * 1024;
/** So much may be one blob however it is cut. */
const mostInOneBytes = 64 * 1024;
/** That are in memory at once, of all tables: they take about a hundred MB. */
export const mostRows = 4 * 1024 * 1024;
/** A file in so many layers is stored whole again. */
const mostLayers = 200;
/** And one of whose layers more than this share is rows that are gone, and their numbers: a restore reads those too. */
const mostGone = 1 / 3;
/** How many rows a table has is estimated by as many blobs. */
const blobsOfEstimate = 4;

/** What a snapshot has of a table, and what its rows are found in. */
export interface Ground extends LayerList {
  readonly table: RowTable;
  /** Rows of the table that were found again, and those that were gone before. */
  readonly found: RowNumbers;
  /** How many of these were gone before. */
  readonly goneBefore: number;
  /** Puts the rows that the table wants. REPOSITORY_DAMAGED, STORE_DENIED: the whole backup fails, since part of the table is stored; the next one plans anew. */
  readWanted(): Promise<void>;
  /** Of the rows' prints. */
  readonly key: Uint8Array;
  /** It is not needed any more. */
  release(): void;
}

/** How a table is stored: beside what is there, or whole, in the large blobs of files or in the small ones of tables. */
export type Plan =
  | { readonly how: 'beside'; readonly ground: Ground }
  | {
      readonly how: 'rows' | 'table';
      /** Where it could have been expected beside what is there. */
      readonly why?: string;
    };

export interface PlanOptions {
  /** How the rows lie. */
  readonly format: RowFormat;
  open(): Promise<Reading>;
  readonly budget: RowBudget;
  /** What the source expects. */
  readonly sizeBytes: number | undefined;
}

/** Reads all that is there. */
export const planRows = async (
  before: TreeNode | undefined,
  { format, open, budget, sizeBytes }: PlanOptions,
): Promise<Plan> => {
  const known = before?.meta.size ?? sizeBytes;
  const isSmall = known !== undefined && known < smallestBytes;
  if (isSmall && !(before && isCutForRows(before))) return { how: 'table' };
  if (!before) return { how: 'rows' };
  const reading = await open();
  try {
    const layers = await layersOf(reading.session, before, format);
    return layers ? await planBeside(reading, layers, budget) : { how: 'rows' };
  } catch (error) {
    // Denied: packs may lie where they are not read from day to day, as in an archive.
    if (!hasCode(error, 'REPOSITORY_DAMAGED', 'STORE_DENIED')) throw error;
    reading.session.log.warn(`what the last snapshot had of ${before.name} is stored anew: ${error.message}`);
    return { how: hasCode(error, 'STORE_DENIED') ? 'rows' : unlike(before) };
  }
};

/** A small file whose source had expected more: cut as a table now, nothing of it would be the same. */
const isCutForRows = (node: TreeNode): boolean =>
  node.type === 'file' && (node.meta.size ?? 0) > mostInOneBytes && hasBlobsOfFile(node);

/** Another cut than that of a table with a damaged blob: none of its blobs is the same, and would count as stored. */
const unlike = (node: TreeNode): 'rows' | 'table' =>
  node.type === 'file' && !hasBlobsOfFile(node) ? 'rows' : 'table';

const hasBlobsOfFile = ({ content, meta }: TreeNode): boolean =>
  isCutAsFile(content?.length ?? 0, meta.size ?? 0);

const planBeside = async (reading: Reading, of: Layers, budget: RowBudget): Promise<Plan> => {
  const { layers, sizeBytes } = of;
  const { blobs } = reading.session;
  const isWorn = layers.length >= mostLayers || bytesOf(layers) * (1 - mostGone) > sizeBytes;
  if (isWorn) return { how: 'rows', why: 'a third of its layers is gone, or they are too many' };
  if (!idsOf(nodesOf(of)).every((id) => blobs.has(id, 'data')))
    return { how: 'rows', why: 'something of the last one is lost' };
  const expectedRows = await estimatedRows(reading, of);
  if (expectedRows > mostRowNumbers) return tooLarge;
  const { release } = await budget.take(expectedRows);
  let plan: Plan | undefined;
  try {
    plan = await planFrom(reading, of, { expectedRows, mostRows: budget.most }, release);
    return plan;
  } finally {
    if (plan?.how !== 'beside') release();
  }
};

const tooLarge: Plan = { how: 'table', why: 'it has more rows than have numbers' };

const planFrom = async (
  reading: Reading,
  of: Layers,
  options: RowTableOptions,
  release: () => void,
): Promise<Plan> => {
  const earlier = await readEarlierRows(reading, of, options);
  if (!earlier) return tooLarge;
  const { format, layers } = of;
  const key = printKey(reading.session);
  return {
    how: 'beside',
    ground: { ...earlier, format, layers, goneBefore: earlier.found.size, key, release },
  };
};

/** About how many rows the file has, by what is kept of its first layer, or by a few blobs of it. */
const estimatedRows = async (
  { session, reader }: Reading,
  { format, layers, sizeBytes }: Layers,
): Promise<number> => {
  const [{ rows }] = layers as readonly [Layer];
  const kept = await new KeptPrints(session, rows, format).note(0);
  if (kept) return ((kept.prints.length / 3) * sizeBytes) / Math.max(1, kept.rowBytes);
  let [bytes, counted] = [0, 0];
  const ends = rowEnds(format);
  for await (const chunk of readContent(session, reader, someOf(rows.content ?? [], format))) {
    const piece = bufferOf(chunk);
    bytes += piece.length;
    for (let end = ends.next(piece, 0); end >= 0; end = ends.next(piece, end)) counted += 1;
  }
  return (counted * sizeBytes) / Math.max(1, bytes);
};

/** Of lines from all over the file; of documents the first ones, since only from the beginning it is known where each ends. */
const someOf = (ids: Iterable<string> & { readonly length: number }, format: RowFormat): string[] => {
  const stride = format === 'bson' ? 1 : Math.ceil(ids.length / blobsOfEstimate);
  const chosen: string[] = [];
  let at = 0;
  for (const id of ids) {
    if (at++ % stride === 0) chosen.push(id);
    if (chosen.length === blobsOfEstimate) break;
  }
  return chosen;
};

/** When all rows have been read: those that are gone now and were not before, as their file; nothing when none is. */
function* newlyGone({ table, found }: Ground): Generator<Uint8Array> {
  yield* formatRowNumbers(rowsNotIn(found, table.rows));
}

function* rowsNotIn(found: RowNumbers, last: number): Generator<number> {
  for (let row = 1; row <= last; row += 1) if (!found.has(row)) yield row;
}

/** What a table is written with, and who is told of it. */
export interface LayerWriter {
  /** In messages. */
  readonly path: string;
  readonly session: Session;
  readonly cutter: ContentCutter;
  readonly writer: BlobWriter;
  /** Of the table, as they pass. */
  onBytes(bytes: number): void;
  onBlobs(totals: BlobTotals): void;
  onTree(bytes: number, storedBytes: number): void;
  /** Of a file of so many bytes. */
  metaOf(sizeBytes: number): EntryMeta;
}

/** Stores the rows of `content` beside what the ground has; `done` gets the layers when all of them have their blobs, and their tree when they are several. */
export const writeBeside = async (
  to: LayerWriter,
  content: Content,
  ground: Ground,
  done: (layers: readonly Layer[], subtree?: string) => void,
): Promise<void> => {
  const { format, layers, found, goneBefore } = ground; // the rows themselves are not held until all blobs have their ids
  const made: { gone?: TreeNode; rows?: TreeNode } = {};
  const cut = (name: 'gone' | 'rows', part: Content): Promise<void> =>
    to.cutter.cut(
      part,
      { by: 'rabin' },
      { expectedBytes: undefined, signal: to.session.signal, onBytes: () => {} },
      (totals) => {
        to.onBlobs(totals);
        made[name] = { name, type: 'file', meta: to.metaOf(totals.bytes), content: totals.ids };
        const { gone, rows } = made;
        if (!gone || !rows) return;
        storeLayers(to, { format, layers: layersWith({ layers, found, goneBefore }, { gone, rows }) }, done);
      },
    );
  const { signal } = to.session;
  let added = 0;
  const onNew = (): void => {
    added += 1;
  };
  await cut('rows', newRows(content, ground, { signal, onBytes: to.onBytes, onNew }));
  const gone = ground.table.rows - found.size;
  await cut('gone', isLeft(ground) ? newlyGone(ground) : []);
  to.session.log.debug({ table: to.path, new: added, gone }, 'rows were compared');
};

/** Without the new layer where nothing is new or gone, and it alone where nothing of the others is left. */
const layersWith = (
  { layers, found, goneBefore }: Pick<Ground, 'layers' | 'found' | 'goneBefore'>,
  { gone, rows }: { readonly gone: TreeNode; readonly rows: TreeNode },
): readonly Layer[] => {
  if (!isLeft({ found, goneBefore })) return [{ gone: undefined, rows }];
  return gone.meta.size || rows.meta.size ? [...layers, { gone, rows }] : layers;
};

/** Whether the table still has a row that it had before. */
const isLeft = ({ found, goneBefore }: Pick<Ground, 'found' | 'goneBefore'>): boolean =>
  found.size > goneBefore;

/** One layer is a file, several are a directory in its place. */
const storeLayers = (
  { writer, onTree }: LayerWriter,
  list: LayerList,
  done: (layers: readonly Layer[], subtree?: string) => void,
): void => {
  const { layers } = list;
  if (layers.length === 1) {
    done(layers);
    return;
  }
  const tree = encodeTree(nodesOf(list));
  const length = lengthOf(tree);
  writer.addTree(tree, (subtree, storedBytes) => {
    onTree(length, storedBytes);
    done(layers, subtree);
  });
};
