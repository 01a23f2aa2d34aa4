// The rows of tables in snapshots, and what is known of their columns.
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import type { OnProgress } from '#lib/progress.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { RowShape, TableReader } from '#sources/table-reader.ts';

export interface TableRowsOptions {
  readonly repository: Repository;
  readonly reader: TableReader;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

export class TableRows {
  readonly #options: TableRowsOptions;
  /** By snapshot and folder, since many tables of a database may be asked for. */
  readonly #shapes = new Map<string, ReturnType<TableReader['shapes']>>();
  #bytes = 0;
  #files = 0;

  constructor(options: TableRowsOptions) {
    this.#options = options;
  }

  /** The rows of these files of a snapshot, some at once; each is valid until the next are asked for. */
  async *read(snapshot: Snapshot, paths: readonly string[]): AsyncGenerator<readonly Uint8Array[]> {
    const { repository, reader, signal, onProgress } = this.#options;
    for (const path of paths) {
      for await (const { content } of repository.read(snapshot, { path, oneByOne: true, signal }))
        for await (const rows of content ? reader.split(content()) : []) {
          this.#bytes += rows.reduce((sum, row) => sum + row.length, 0);
          onProgress({ phase: 'reading rows', bytes: this.#bytes, items: this.#files, current: path });
          yield rows;
        }
      this.#files += 1;
    }
  }

  /** A table whose columns are not known has one, with the whole row. */
  async shapeOf(snapshot: Snapshot, folder: string, table: string): Promise<RowShape> {
    const place = `${snapshot.id} ${folder}`;
    const shapes = this.#shapes.get(place) ?? (await this.#shapesIn(snapshot, folder));
    this.#shapes.set(place, shapes);
    return understood(shapes(table) ?? unknownShape, `${folder}: ${table}`);
  }

  async #shapesIn(snapshot: Snapshot, folder: string): Promise<ReturnType<TableReader['shapes']>> {
    const files = new Map<string, Buffer>();
    for (const name of this.#options.reader.definitions) {
      const bytes = await this.#file(snapshot, `${folder}/${name}`);
      if (bytes) files.set(name, bytes);
    }
    try {
      return this.#options.reader.shapes(files);
    } catch (cause) {
      throw new HoldfastError(
        'REPOSITORY_DAMAGED',
        `the definitions in ${folder} are not as a backup has them`,
        { cause },
      );
    }
  }

  async #file(snapshot: Snapshot, path: string): Promise<Buffer | undefined> {
    const { repository, signal } = this.#options;
    const chunks: Buffer[] = [];
    try {
      for await (const { content } of repository.read(snapshot, { path, signal }))
        for await (const chunk of content?.() ?? []) chunks.push(Buffer.from(chunk));
    } catch (error) {
      if (hasCode(error, 'PATH_UNKNOWN')) return undefined;
      throw error;
    }
    return Buffer.concat(chunks);
  }
}

/** A row that is not what a backup writes is damage, whatever the engine's own code makes of it. */
const understood = ({ key, valuesOf }: RowShape, table: string): RowShape => ({
  key,
  valuesOf(row) {
    try {
      return valuesOf(row);
    } catch (cause) {
      throw new HoldfastError(
        'REPOSITORY_DAMAGED',
        `a row of ${table} is not as a backup has it: ${messageOf(cause)}`,
        { cause },
      );
    }
  },
});

const unknownShape: RowShape = {
  key: [],
  valuesOf: (row) => new Map([['row', row.toString('utf8')]]),
};
