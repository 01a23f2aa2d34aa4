// The rows of a table in a snapshot, and what is known of their columns.
import { createHash } from 'node:crypto';
import { hasCode } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { RowShape, TableReader } from '#sources/table-reader.ts';
import type { TableSide } from './tables.ts';
import type { ReadRows, Sides } from './unmatched.ts';

export interface Reading {
  readonly repository: Repository;
  readonly reader: TableReader;
  readonly signal: AbortSignal;
  /** Told how many bytes of rows have been read. */
  readonly onBytes: (bytes: number) => void;
}

/** How both sides are read. Files that both have with the same content are left out: their rows are the same. */
export const rowsOf = async (reading: Reading, sides: Sides<TableSide>): Promise<Sides<ReadRows>> => {
  const [before, after] = sides;
  const areSplit = before.paths.length > 1 && after.paths.length > 1;
  const [older, newer] = areSplit
    ? withoutShared(await contentsOf(reading, before), await contentsOf(reading, after))
    : [before.paths, after.paths];
  return [() => read(reading, before, older), () => read(reading, after, newer)];
};

/** What stands for the content of each file that has any, by path. */
const contentsOf = async (
  { repository, signal }: Reading,
  { snapshot, paths }: TableSide,
): Promise<Map<string, string>> => {
  const contents = new Map<string, string>();
  for (const path of paths)
    for await (const { blobs } of repository.list(snapshot, { path, signal })) {
      const digest = createHash('sha256');
      for (const id of blobs) digest.update(id);
      if (blobs.length > 0) contents.set(path, digest.digest('hex'));
    }
  return contents;
};

/** The paths of both but for pairs of the same content. */
const withoutShared = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): [string[], string[]] => {
  const twins = Map.groupBy(after.keys(), (path) => after.get(path));
  const own = [...before].flatMap(([path, content]) =>
    twins.get(content)?.pop() === undefined ? [path] : [],
  );
  return [own, [...twins.values()].flat().toSorted()];
};

async function* read(
  { repository, reader, signal, onBytes }: Reading,
  { snapshot }: TableSide,
  paths: readonly string[],
): AsyncGenerator<readonly Uint8Array[]> {
  for (const path of paths)
    for await (const entry of repository.read(snapshot, { path, oneByOne: true, signal })) {
      if (!entry.content) continue;
      for await (const rows of reader.split(entry.content())) {
        onBytes(rows.reduce((sum, row) => sum + row.length, 0));
        yield rows;
      }
    }
}

/** Remembers what the tables of a database are, since many may be asked for. */
export class Shapes {
  readonly #reading: Pick<Reading, 'repository' | 'reader' | 'signal'>;
  readonly #known = new Map<string, ReturnType<TableReader['shapes']>>();

  constructor(reading: Pick<Reading, 'repository' | 'reader' | 'signal'>) {
    this.#reading = reading;
  }

  /** A table whose columns are not known has one, with the whole row. */
  async of({ snapshot, folder }: TableSide, table: string): Promise<RowShape> {
    const place = `${snapshot.id} ${folder}`;
    const shapes = this.#known.get(place) ?? this.#reading.reader.shapes(await this.#files(snapshot, folder));
    this.#known.set(place, shapes);
    return shapes(table) ?? unknownShape;
  }

  async #files(snapshot: Snapshot, folder: string): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>();
    for (const name of this.#reading.reader.definitions) {
      const bytes = await this.#file(snapshot, `${folder}/${name}`);
      if (bytes) files.set(name, bytes);
    }
    return files;
  }

  async #file(snapshot: Snapshot, path: string): Promise<Buffer | undefined> {
    const { repository, signal } = this.#reading;
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

const unknownShape: RowShape = {
  key: [],
  valuesOf: (row) => new Map([['row', row.toString('utf8')]]),
};
