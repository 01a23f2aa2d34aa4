// A backup without its scheduled events, for a copy that is to stay as it is.
import { bytesOf } from '../restore-report.ts';
import type { Entry } from '../source.ts';
import { databaseFiles } from './layout.ts';
import { itemsOf, scriptOf } from './sql-items.ts';

/** The entries; an event would come to life in the copy, and may reach into any database. Adds the names of those left out. */
export async function* withoutEvents(entries: AsyncIterable<Entry>, events: string[]): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const { path, content } = entry;
    if (!content || !path.endsWith(`/${databaseFiles.postData}`)) yield entry;
    else {
      const items = itemsOf(await bytesOf(path, content.bind(entry)));
      events.push(...items.filter(({ type }) => type === 'event').map(({ name }) => name));
      const kept = scriptOf(
        'Without events.',
        items.filter(({ type }) => type !== 'event'),
      );
      yield { ...entry, meta: { ...entry.meta, size: kept.length }, content: () => [kept] };
    }
  }
}

export const leftOut = (event: string): string => `event ${event} would run by itself and was not restored`;
