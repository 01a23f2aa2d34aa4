import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlainPart, plainDumps } from './plain-dump.ts';
import type { Entry } from './source.ts';

const entriesOf = async function* (paths: readonly string[]): AsyncGenerator<Entry> {
  for (const path of paths)
    yield {
      path,
      type: 'file',
      meta: {},
      content: () =>
        (async function* () {
          yield Buffer.from(`${path}\n`);
        })(),
    };
};

const plan = {
  databaseOf: (path: string) => path.split('/')[0],
  title: (database: string) => [database],
  async *parts(entries: AsyncIterable<Entry>): AsyncGenerator<PlainPart> {
    for await (const { path, content } of entries) yield { path, content: content?.() ?? [] };
  },
};

test('a database whose file was not read to its end comes once, and the next one whole', async () => {
  const paths = ['books/one', 'books/two', 'shop/one', 'shop/two'];
  const seen: string[] = [];
  let last = '';
  for await (const { database, content } of plainDumps(entriesOf(paths), plan)) {
    seen.push(database);
    last = '';
    for await (const chunk of content()) {
      last += Buffer.from(chunk).toString();
      if (database === 'books' && last.includes('books/one')) break; // the store failed
    }
  }
  assert.deepEqual(seen, ['books', 'shop']);
  assert.match(last, /^shop\/one$[\s\S]*^shop\/two$[\s\S]* end\n$/m);
});
