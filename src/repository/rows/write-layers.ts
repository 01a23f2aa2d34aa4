// A table stored beside what an earlier snapshot has of it: the rows that are new, and which of the earlier ones are gone.
import { hasCode } from '#lib/errors.ts';
import type { Content, EntryMeta } from '#sources/source.ts';
import type { BlobWriter } from '../blob-writer.ts';
import { type BlobTotals, type ContentCutter, isCutAsFile } from '../content-cutter.ts';
import { readContent } from '../read-content.ts';
import type { Session } from '../session.ts';
import { encodeTree, type TreeNode } from '../tree.ts';
import { lengthOf } from '../tree-parts.ts';
import { keptPrints, printKey } from './kept-prints.ts';
import { bytesOf, idsOf, type Layer, type Layers, layersOf, nodesOf } from './layers.ts';
import type { LineBudget } from './line-budget.ts';
import { formatLines, type LineSet } from './line-set.ts';
import { newRows } from './new-rows.ts';
import { type Reading, readTable } from './read-layers.ts';
import type { RowTable } from './row-table.ts';

/** Smaller files are stored whole: their small blobs cost no more. */
const smallestBytes = 1024 * 1024;
/** Of one table, and of all that are in memory at once: they take about a hundred MB. */
export const mostLines = 4 * 1024 * 1024;
/** A file in so many layers is stored whole again. */
const mostLayers = 200;
/** And one of whose layers more than this share is lines that are gone, and their numbers: a restore reads those too. */
const mostGone = 1 / 3;
/** How many lines a table has is estimated by as many blobs. */
const blobsOfEstimate = 4;
const newline = 0x0a;

/** What a snapshot has of a table, and what its rows are found in. */
export interface Ground {
  readonly layers: readonly Layer[];
  readonly table: RowTable;
  /** Lines of the table that were found again, and those that were gone before. */
  readonly found: LineSet;
  /** How many of these were gone before. */
  readonly goneBefore: number;
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
  open(): Promise<Reading>;
  readonly budget: LineBudget;
  /** What the source expects. */
  readonly sizeBytes: number | undefined;
}

/** Reads all that is there. */
export const planRows = async (
  before: TreeNode | undefined,
  { open, budget, sizeBytes }: PlanOptions,
): Promise<Plan> => {
  const known = before?.meta.size ?? sizeBytes;
  if (known !== undefined && known < smallestBytes) return { how: 'table' };
  if (!before) return { how: 'rows' };
  const reading = await open();
  try {
    const layers = await layersOf(reading.session, before);
    return layers ? await planBeside(reading, layers, budget) : { how: 'rows' };
  } catch (error) {
    if (!hasCode(error, 'REPOSITORY_DAMAGED')) throw error;
    reading.session.log.warn(`what the last snapshot had of ${before.name} is stored anew: ${error.message}`);
    return { how: unlike(before) };
  }
};

/** Another cut than that of a table with a damaged blob: none of its blobs is the same, and would count as stored. */
const unlike = ({ type, content, meta }: TreeNode): 'rows' | 'table' =>
  type === 'file' && !isCutAsFile(content?.length ?? 0, meta.size ?? 0) ? 'rows' : 'table';

const planBeside = async (reading: Reading, of: Layers, budget: LineBudget): Promise<Plan> => {
  const { layers, sizeBytes } = of;
  const { blobs } = reading.session;
  const isWorn = layers.length >= mostLayers || bytesOf(layers) * (1 - mostGone) > sizeBytes;
  if (isWorn) return { how: 'rows', why: 'a third of its layers is gone, or they are too many' };
  if (!idsOf(nodesOf(layers)).every((id) => blobs.has(id, 'data')))
    return { how: 'rows', why: 'something of the last one is lost' };
  const expectedLines = await estimatedLines(reading, of);
  if (expectedLines > mostLines) return tooLarge;
  const { release } = await budget.take(expectedLines);
  let plan: Plan | undefined;
  try {
    plan = await planFrom(reading, of, expectedLines, release);
    return plan;
  } finally {
    if (plan?.how !== 'beside') release();
  }
};

const tooLarge: Plan = { how: 'table', why: 'it has more rows than are compared' };

const planFrom = async (
  reading: Reading,
  of: Layers,
  expectedLines: number,
  release: () => void,
): Promise<Plan> => {
  const read = await readTable(reading, of, { expectedLines, mostLines });
  if (!read) return tooLarge;
  const { table, found } = read;
  const { layers } = of;
  return {
    how: 'beside',
    ground: { layers, table, found, goneBefore: found.size, key: printKey(reading.session), release },
  };
};

/** About how many lines the file has, by what is kept of its first layer, or by a few blobs of it. */
const estimatedLines = async (
  { session, reader }: Reading,
  { layers, sizeBytes }: Layers,
): Promise<number> => {
  const [{ rows }] = layers as readonly [Layer];
  const kept = await keptPrints(session, rows);
  if (kept) return ((kept.length / 3) * sizeBytes) / Math.max(1, rows.meta.size ?? 0);
  const ids = rows.content ?? [];
  const stride = Math.ceil(ids.length / blobsOfEstimate);
  const chosen: string[] = [];
  let at = 0;
  for (const id of ids) if (at++ % stride === 0) chosen.push(id);
  let [bytes, lines] = [0, 0];
  for await (const chunk of readContent(session, reader, chosen)) {
    bytes += chunk.length;
    for (const byte of chunk) if (byte === newline) lines += 1;
  }
  return (lines * sizeBytes) / Math.max(1, bytes);
};

/** When all rows have been read: the lines that are gone now and were not before, as their file; nothing when none is. */
function* newlyGone({ table, found }: Ground): Generator<Uint8Array> {
  yield* formatLines(linesNotIn(found, table.lines));
}

function* linesNotIn(found: LineSet, last: number): Generator<number> {
  for (let line = 1; line <= last; line += 1) if (!found.has(line)) yield line;
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
  const { layers, found, goneBefore } = ground; // the rows themselves are not held until all blobs have their ids
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
        if (gone && rows) storeLayers(to, layersWith({ layers, found, goneBefore }, { gone, rows }), done);
      },
    );
  const { signal } = to.session;
  let added = 0;
  const onNew = (): void => {
    added += 1;
  };
  await cut('rows', newRows(content, ground, { signal, onBytes: to.onBytes, onNew }));
  const gone = ground.table.lines - found.size;
  await cut('gone', newlyGone(ground));
  to.session.log.debug({ table: to.path, new: added, gone }, 'rows were compared');
};

/** Without the new layer where nothing is new or gone, and it alone where nothing of the others is left. */
const layersWith = (
  { layers, found, goneBefore }: Pick<Ground, 'layers' | 'found' | 'goneBefore'>,
  { gone, rows }: { readonly gone: TreeNode; readonly rows: TreeNode },
): readonly Layer[] => {
  if (!gone.meta.size && !rows.meta.size) return layers;
  return found.size === goneBefore ? [{ gone: undefined, rows }] : [...layers, { gone, rows }];
};

/** One layer is a file, several are a directory in its place. */
const storeLayers = (
  { writer, onTree }: LayerWriter,
  layers: readonly Layer[],
  done: (layers: readonly Layer[], subtree?: string) => void,
): void => {
  if (layers.length === 1) {
    done(layers);
    return;
  }
  const tree = encodeTree(nodesOf(layers));
  const length = lengthOf(tree);
  writer.addTree(tree, (subtree, storedBytes) => {
    onTree(length, storedBytes);
    done(layers, subtree);
  });
};
