// The small files of a database, as they come before, between and after its rows.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { type Manifest, manifestSchema } from '../manifest.ts';
import { bytesOf } from '../restore-report.ts';
import { type Contents, parseContents } from './contents.ts';
import type { EntryStream } from './entry-stream.ts';
import { type DatabaseFile, databaseFiles, databasePath } from './layout.ts';
import { itemsOf, type SqlItem } from './sql-items.ts';

export class DatabaseTexts {
  readonly #stream: EntryStream;
  readonly #database: string;
  readonly #files = new Map<DatabaseFile, Buffer>();
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
      if (file !== databaseFiles.load) this.#files.set(file, await bytesOf(entry.path, entry.content));
    }
  }

  /** The definitions of a script. */
  items(file: DatabaseFile): readonly SqlItem[] {
    return itemsOf(this.#need(file));
  }

  /** The statement that makes the database. */
  databaseStatement(): string {
    const [item] = this.items(databaseFiles.database);
    return item?.statement ?? '';
  }

  contents(): Contents {
    this.#contents ??= this.#parse(databaseFiles.contents, parseContents);
    return this.#contents;
  }

  manifest(): Manifest {
    return this.#parse(databaseFiles.manifest, (text) => manifestSchema.parse(JSON.parse(text)));
  }

  #need(file: DatabaseFile): Buffer {
    const content = this.#files.get(file);
    if (content) return content;
    throw new HoldfastError(
      'TARGET_FAILED',
      `the snapshot’s ${databasePath(this.#database)}/${file} did not come`,
      { hint: 'a restore needs all files in the database’s folder, besides the rows that are wanted' },
    );
  }

  #parse<Parsed>(file: DatabaseFile, parse: (text: string) => Parsed): Parsed {
    const text = this.#need(file).toString('utf8');
    try {
      return parse(text);
    } catch (cause) {
      throw new HoldfastError(
        'TARGET_FAILED',
        `${databasePath(this.#database)}/${file} cannot be read: ${messageOf(cause)}`,
        { cause, hint: 'verify the snapshot, and restore from another one' },
      );
    }
  }
}
