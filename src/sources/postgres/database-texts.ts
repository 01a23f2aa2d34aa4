// The small files of a database, as they come before, between and after its rows.
import { type Manifest, manifestSchema } from '../manifest.ts';
import { neededFile, parsedFile } from '../needed-file.ts';
import { bytesOf } from '../restore-report.ts';
import { type Contents, parseContents } from './contents.ts';
import type { EntryStream } from './entry-stream.ts';
import { type DatabaseFile, databaseFiles, databasePath } from './layout.ts';
import { itemsOfFile, type SqlItem } from './sql-items.ts';

export class DatabaseTexts {
  readonly #stream: EntryStream;
  readonly #database: string;
  readonly #texts = new Map<DatabaseFile, Buffer>();
  #contents: Contents | undefined;

  constructor(stream: EntryStream, database: string) {
    this.#stream = stream;
    this.#database = database;
  }

  /** Reads on until rows come; false at the end of the database. */
  async readUntilRows(): Promise<boolean> {
    for (;;) {
      const entry = await this.#stream.peek();
      if (!entry || !('database' in entry.place) || entry.place.database !== this.#database) return false;
      if (entry.place.kind !== 'file') return true;
      this.#stream.skip();
      const { file } = entry.place;
      if (file !== databaseFiles.load) this.#texts.set(file, await bytesOf(entry.path, entry.content));
    }
  }

  need(file: DatabaseFile): string {
    return this.#bytes(file).toString('utf8');
  }

  /** What a script of pg_dump makes. */
  items(file: DatabaseFile): readonly SqlItem[] {
    return itemsOfFile(this.#bytes(file)).items;
  }

  contents(): Contents {
    this.#contents ??= this.#parse(databaseFiles.contents, parseContents);
    return this.#contents;
  }

  manifest(): Manifest {
    return this.#parse(databaseFiles.manifest, (text) => manifestSchema.parse(JSON.parse(text)));
  }

  #parse<Parsed>(file: DatabaseFile, parse: (text: string) => Parsed): Parsed {
    return parsedFile(this.#path(file), this.need(file), parse);
  }

  #bytes(file: DatabaseFile): Buffer {
    return neededFile(this.#path(file), this.#texts.get(file));
  }

  #path(file: DatabaseFile): string {
    return `${databasePath(this.#database)}/${file}`;
  }
}
