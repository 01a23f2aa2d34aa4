// A whole database as one file for psql: the files of a dump, one after the other, with the rows inside of COPY … FROM STDIN.

import { decodeName } from '../path-names.ts';
import type { PlainPart, PlainPlan } from '../plain-dump.ts';
import { textOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import { type Contents, parseContents } from './contents.ts';
import { quoteName } from './identifiers.ts';
import { largeObjectLoad } from './large-objects.ts';
import { databaseFiles, globalsFile, parsePath, serverFile } from './layout.ts';
import { tableOf } from './load-rows.ts';
import { loadSettings } from './load-script.ts';
import { copyInSql } from './ranges.ts';
import { searchPathFor, searchPathSql, takerOf } from './row-places.ts';
import { setSequenceSql } from './sequences.ts';

/** Server-wide files (roles, tablespaces) belong to no database, as with pg_dump. */
export const plainPlan: PlainPlan = {
  databaseOf(path) {
    const [top = ''] = path.split('/');
    return top === serverFile || top === globalsFile ? undefined : decodeName(top);
  },
  title: (database) => [
    `PostgreSQL database ${database}. Load it into an empty one: psql -X -v ON_ERROR_STOP=1 -d new`,
  ],
  parts,
};

const end = '\\.\n';

async function* parts(entries: AsyncIterable<Entry>): AsyncGenerator<PlainPart> {
  let contents: Contents | undefined;
  for await (const { path, content: open } of entries) {
    const place = parsePath(path);
    const content = open?.() ?? [];
    if (place.kind === 'file' && place.file === databaseFiles.contents) {
      const text = await textOf(path, () => content);
      contents = parseContents(text);
      yield { path, content: [Buffer.from(text)], comment: true };
      yield { content: [Buffer.from(loadSettings)] };
    } else if (place.kind === 'file' && place.file === databaseFiles.load) {
      const lines = contents?.sequences.map((sequence) => `${setSequenceSql(sequence)}\n`) ?? [];
      yield { content: [Buffer.from(lines.join(''))] };
    } else if (place.kind === 'file') {
      const isSql = place.file === databaseFiles.preData || place.file === databaseFiles.postData;
      yield { path, content, ...(!isSql && { comment: true }) };
    } else if (place.kind === 'table' && contents) {
      const table = tableOf(contents, place.table);
      const copy = copyFrom(quoteName(takerOf(table)), table.columns, contents.encoding);
      const before = `${searchPathSql(searchPathFor(contents, table))}\n${copy}`;
      yield { path, content, before, after: end };
    } else if (place.kind === 'large-objects' && contents) {
      yield { path, content, ...aroundLargeObjects(place.group, contents) };
    }
  }
}

const copyFrom = (target: string, columns: readonly string[], encoding: string): string =>
  `${copyInSql(target, columns, encoding)};\n`;

const aroundLargeObjects = (
  group: number | 'definitions',
  { encoding, largeObjects }: Contents,
): Pick<PlainPart, 'before' | 'after'> => {
  const { definitions, bytes } = largeObjectLoad;
  if (group === 'definitions')
    return {
      before: `${definitions.create}\n${copyFrom(definitions.table, [], encoding)}`,
      after: `${end}${definitions.use}\n${bytes.create}\n`,
    };
  const more = group !== largeObjects.at(-1);
  return {
    before: copyFrom(bytes.table, [], encoding),
    after: `${end}${bytes.use}\n${more ? `truncate ${bytes.table};\n` : ''}`,
  };
};
