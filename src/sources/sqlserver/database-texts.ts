// The small files of a database, as they come before and after its rows.
import { type Manifest, manifestSchema } from '../manifest.ts';
import { neededFile, parsedFile } from '../needed-file.ts';
import { textOf } from '../restore-report.ts';
import type { EntryStream } from './entry-stream.ts';
import { type DatabaseFile, databaseFiles, databasePath } from './layout.ts';
import { type Contents, parseContents } from './model.ts';

/** Those that a restore reads; the others say the same for sqlcmd. */
const readFiles: readonly DatabaseFile[] = [databaseFiles.contents, databaseFiles.manifest];

export class DatabaseTexts {
  readonly #stream: EntryStream;
  readonly #database: string;
  readonly #texts = new Map<DatabaseFile, string>();
  #contents: Contents | undefined;

  constructor(stream: EntryStream, database: string) {
    this.#stream = stream;
    this.#database = database;
  }

  /** Reads on until rows, or the server's own backup, come; false at the end of the database. */
  async readUntilRows(): Promise<'rows' | 'native' | false> {
    for (;;) {
      const entry = await this.#stream.peek();
      if (!entry || !('database' in entry.place) || entry.place.database !== this.#database) return false;
      if (entry.place.kind !== 'file') return 'rows';
      const { file } = entry.place;
      if (file === databaseFiles.native) return 'native';
      this.#stream.skip();
      const text = await textOf(entry.path, entry.content);
      if (readFiles.includes(file)) this.#texts.set(file, text);
    }
  }

  contents(): Contents {
    this.#contents ??= this.#parse(databaseFiles.contents, parseContents);
    return this.#contents;
  }

  manifest(): Manifest {
    return this.#parse(databaseFiles.manifest, (text) => manifestSchema.parse(JSON.parse(text)));
  }

  #parse<Parsed>(file: DatabaseFile, parse: (text: string) => Parsed): Parsed {
    const path = `${databasePath(this.#database)}/${file}`;
    return parsedFile(path, neededFile(path, this.#texts.get(file)), parse);
  }
}
