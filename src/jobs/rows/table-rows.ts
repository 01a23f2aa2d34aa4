// The rows of tables in snapshots, and what is known of their columns.
import { letOthersWork } from '#lib/clock.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { printable, shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { tableReaderOf } from '#sources/registry.ts';
import type { RowShape, SqlColumn, TableReader } from '#sources/table-reader.ts';
import type { JobContext } from '../job-context.ts';
import { readWhole } from '../manifests.ts';
import { originOf, tagOf } from '../snapshot-choice.ts';

type TableRowsContext = Pick<JobContext, 'signal' | 'onEvent'>;

/** Those of the snapshot's kind; undefined for one without rows. */
export const tableRowsOf = async (
  repository: Repository,
  snapshot: Snapshot,
  context: TableRowsContext,
): Promise<TableRows | undefined> => {
  const reader = await tableReaderOf(tagOf(snapshot, 'kind'))?.();
  return reader && new TableRows(repository, reader, context);
};

interface Shapes {
  readonly shapes: ReturnType<TableReader['shapes']>;
  /** Files that should tell of them, and are not there. */
  readonly lost: readonly string[];
}

export class TableRows {
  readonly reader: TableReader;
  readonly #repository: Repository;
  readonly #context: TableRowsContext;
  /** By snapshot and folder, since many tables of a database may be asked for. */
  readonly #shapes = new Map<string, Shapes>();
  #bytes = 0;
  #files = 0;

  constructor(repository: Repository, reader: TableReader, context: TableRowsContext) {
    this.reader = reader;
    this.#repository = repository;
    this.#context = context;
  }

  /** The rows of these files of a snapshot, some at once; each is valid until the next are asked for. */
  async *read(snapshot: Snapshot, paths: readonly string[]): AsyncGenerator<readonly Uint8Array[]> {
    const { signal, onEvent } = this.#context;
    const subject = originOf(snapshot);
    for (const path of paths) {
      for await (const { content } of lostIfAbsent(
        this.#repository.read(snapshot, { path, oneByOne: true, signal }),
      ))
        for await (const rows of content ? this.reader.split(content()) : []) {
          this.#bytes += rows.reduce((sum, row) => sum + row.length, 0);
          const progress = { phase: 'reading rows', bytes: this.#bytes, items: this.#files, current: path };
          onEvent({ type: 'progress', subject, progress });
          yield rows;
          // Where reading is faster than what becomes of the rows, nothing else would have its turn: no signal would be heard.
          await letOthersWork(signal);
        }
      this.#files += 1;
    }
  }

  /** A table whose columns are not known has one, with the whole row. ITEM_UNREADABLE where the file that tells of them is lost. */
  async shapeOf(snapshot: Snapshot, folder: string, table: string): Promise<RowShape> {
    const { shapes, lost } = await this.#shapesOf(snapshot, folder);
    const shape = shapes(table);
    const [file] = lost;
    if (shape === undefined && file !== undefined) throw lostFrom(`${folder}/${file}`, snapshot);
    return understood(shape ?? unknownShape, `${folder}: ${table}`);
  }

  /** Whether the file is not there that says of what types the columns in a folder are. */
  async isUntyped(snapshot: Snapshot, folder: string): Promise<boolean> {
    const { lost } = await this.#shapesOf(snapshot, folder);
    return lost.some((name) => name === this.reader.definitions[0]);
  }

  async #shapesOf(snapshot: Snapshot, folder: string): Promise<Shapes> {
    const place = `${snapshot.id} ${folder}`;
    const found = this.#shapes.get(place) ?? (await this.#shapesIn(snapshot, folder));
    this.#shapes.set(place, found);
    return found;
  }

  async #shapesIn(snapshot: Snapshot, folder: string): Promise<Shapes> {
    const files = new Map<string, Buffer>();
    for (const name of this.reader.definitions) {
      const bytes = await this.#file(snapshot, `${folder}/${name}`);
      if (bytes) files.set(name, bytes);
    }
    try {
      const lost = this.reader.definitions.filter((name) => !files.has(name));
      return { shapes: this.reader.shapes(files), lost };
    } catch (cause) {
      throw new HoldfastError(
        'REPOSITORY_DAMAGED',
        `the definitions in ${folder} are not as a backup has them`,
        { cause },
      );
    }
  }

  async #file(snapshot: Snapshot, path: string): Promise<Buffer | undefined> {
    try {
      return await readWhole(this.#repository, snapshot, path, this.#context.signal);
    } catch (error) {
      if (hasCode(error, 'PATH_UNKNOWN')) return undefined;
      throw error;
    }
  }
}

/** A file of rows that the manifest speaks of was lost with what a repair could not save. */
async function* lostIfAbsent<Value>(entries: AsyncIterable<Value>): AsyncGenerator<Value> {
  try {
    yield* entries;
  } catch (cause) {
    if (!hasCode(cause, 'PATH_UNKNOWN')) throw cause;
    throw new HoldfastError('ITEM_UNREADABLE', cause.message, { cause, hint: askAnother });
  }
}

const lostFrom = (path: string, { id }: Snapshot): HoldfastError =>
  new HoldfastError('ITEM_UNREADABLE', `snapshot ${shortId(id)} has no ${printable(path)}`, {
    hint: askAnother,
  });

const askAnother =
  'the snapshot lacks what a repair could not save, or a backup could not read: take another one';

/** A row that is not what a backup writes is damage, whatever the engine's own code makes of it. */
const understood = (shape: RowShape, table: string): RowShape => {
  const checked =
    <Value>(read: (row: Buffer) => Value) =>
    (row: Buffer): Value => {
      try {
        return read(row);
      } catch (cause) {
        throw new HoldfastError(
          'REPOSITORY_DAMAGED',
          `a row of ${table} is not as a backup has it: ${messageOf(cause)}`,
          { cause },
        );
      }
    };
  return {
    key: shape.key,
    ...(shape.spelledOtherwise && { spelledOtherwise: shape.spelledOtherwise }),
    valuesOf: checked((row) => shape.valuesOf(row)),
    get columns() {
      return shape.columns;
    },
    sqlReader: (columns) => checked(shape.sqlReader(columns)),
  };
};

/** The only column of a table whose columns are not known. */
export const wholeRow: SqlColumn = { name: 'row', type: 'TEXT' };

const unknownShape: RowShape = {
  key: [],
  valuesOf: (row) => new Map([[wholeRow.name, row.toString('utf8')]]),
  columns: [wholeRow],
  sqlReader: (columns) => (row) => columns.map(() => row.toString('utf8')),
};
