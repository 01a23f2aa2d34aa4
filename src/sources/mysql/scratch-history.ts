// Which tables have their history in a snapshot: a copy is compared with the snapshot, so of the other tables none is read.
import { bytesOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import { parseContents } from './contents.ts';
import { databaseFiles } from './layout.ts';

/** Names of tables by the names of the copies of their databases. */
export type KeptHistory = Map<string, ReadonlySet<string>>;

/** The entries; adds what they keep. `names` are those of the copies, by the databases' own. */
export async function* noticingHistory(
  entries: AsyncIterable<Entry>,
  names: ReadonlyMap<string, string>,
  kept: KeptHistory,
): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const { path, content } = entry;
    if (!content || !path.endsWith(`/${databaseFiles.contents}`)) yield entry;
    else {
      const bytes = await bytesOf(path, content.bind(entry));
      const { database, tables } = parseContents(bytes.toString('utf8'));
      const withHistory = tables.filter(({ history }) => history).map(({ name }) => name);
      kept.set(names.get(database) ?? database, new Set(withHistory));
      yield { ...entry, content: () => [bytes] };
    }
  }
}
