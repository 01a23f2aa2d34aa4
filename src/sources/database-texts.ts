// The small files of a database in a server's backup, as they come before, between and after its rows.
import { type Manifest, manifestName, manifestSchema } from './manifest.ts';
import { neededFile, parsedFile } from './needed-file.ts';
import type { PlacedEntries } from './placed-entries.ts';
import { bytesOf } from './restore-report.ts';

interface AnyPlace {
  readonly kind: string;
  readonly database?: string;
  /** Of the kind 'file': its name in the database's folder. */
  readonly file?: string;
}

/** Where an engine has what. */
export interface TextFiles<Contents> {
  folder(database: string): string;
  readonly contents: string;
  parseContents(text: string): Contents;
  /** Files that a restore does not read. */
  readonly passedOver: readonly string[];
}

export class DatabaseTexts<Contents> {
  readonly #stream: PlacedEntries<AnyPlace>;
  readonly #database: string;
  readonly #files: TextFiles<Contents>;
  readonly #texts = new Map<string, Buffer>();
  #contents: Contents | undefined;

  constructor(stream: PlacedEntries<AnyPlace>, database: string, files: TextFiles<Contents>) {
    this.#stream = stream;
    this.#database = database;
    this.#files = files;
  }

  /** Reads on until rows come, or what else is no text; false at the end of the database. */
  async readUntilRows(): Promise<boolean> {
    for (;;) {
      const entry = await this.#stream.peek();
      if (!entry || entry.place.database !== this.#database) return false;
      const { file } = entry.place;
      if (file === undefined) return true;
      this.#stream.skip();
      if (!this.#files.passedOver.includes(file))
        this.#texts.set(file, await bytesOf(entry.path, entry.content));
    }
  }

  contents(): Contents {
    this.#contents ??= this.#parse(this.#files.contents, this.#files.parseContents);
    return this.#contents;
  }

  manifest(): Manifest {
    return this.#parse(manifestName, (text) => manifestSchema.parse(JSON.parse(text)));
  }

  /** TARGET_FAILED when it has not come. */
  protected need(file: string): Buffer {
    return neededFile(this.#path(file), this.#texts.get(file));
  }

  #parse<Parsed>(file: string, parse: (text: string) => Parsed): Parsed {
    return parsedFile(this.#path(file), this.need(file).toString('utf8'), parse);
  }

  #path(file: string): string {
    return `${this.#files.folder(this.#database)}/${file}`;
  }
}
