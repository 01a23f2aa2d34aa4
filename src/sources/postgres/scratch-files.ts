// Files of a snapshot that are looked into on their way to a trial restore, which is compared with them afterwards.
import { bytesOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import { type Place, parsePath } from './layout.ts';

export interface PassingFiles<Said> {
  /** The entries; takes down what the files say. */
  watch(entries: AsyncIterable<Entry>): AsyncIterable<Entry>;
  /** What the file of a copy's database said, once it has passed. */
  of(copy: string): Said | undefined;
}

/** `names` are those of the copies, by the databases' own; `databaseOf` tells of which database a place is such a file. */
export const passingFiles = <Said>(
  names: ReadonlyMap<string, string>,
  databaseOf: (place: Place) => string | undefined,
  read: (path: string, bytes: Buffer) => Said,
): PassingFiles<Said> => {
  const said = new Map<string, Said>();
  return {
    async *watch(entries) {
      for await (const entry of entries) {
        const { path, content } = entry;
        const database = content && databaseOf(parsePath(path));
        if (content === undefined || database === undefined) yield entry;
        else {
          const bytes = await bytesOf(path, content.bind(entry));
          said.set(names.get(database) ?? database, read(path, bytes));
          yield { ...entry, content: () => [bytes] };
        }
      }
    },
    of: (copy) => said.get(copy),
  };
};
