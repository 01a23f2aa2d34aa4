// Which files there are: those of a query, from a position on or all, or those that lie in the store they are read from.
import { posix } from 'node:path';
import type { ListingState } from '#catalog/mirrors.ts';
import { HoldfastError } from '#lib/errors.ts';
import { type QueryView, queryReaderOf } from '#sources/query-reader.ts';
import { openSource, type SourceConfig } from '#sources/registry.ts';
import type { Store } from '#stores/store.ts';
import { isAhead, isTime } from '../ahead.ts';
import type { JobContext } from '../job-context.ts';
import { filesOfRows } from './list-query.ts';
import type { ListedFile } from './listed-file.ts';

export interface ListQuery {
  readonly source: SourceConfig;
  readonly text: string;
  readonly overlapSeconds: number;
}

export interface Listing extends AsyncDisposable {
  /** Tells it from others: positions are of one listing. */
  readonly name: string;
  /** All files, or those that may be new since then. */
  files(since: ListingState | undefined): AsyncIterable<ListedFile>;
  /** How far it was read, now that it was read to its end. */
  reached(state: ListingState): ListingState;
}

/**
 * Every listing of a store is of all its files, and of folders that may not be read, which are failures. One without any is an error: a
 * disk that is not mounted looks like that.
 */
export const listStore = (store: Store): Listing => ({
  name: `store ${store.location}`,
  async *files() {
    let isEmpty = true;
    const unreadable: ListedFile[] = [];
    const named = (key: string) => ({
      ...{ path: key, place: '', key },
      ...{ dataset: posix.dirname(key), storage: key },
    });
    const onUnreadable = (key: string, flaw: HoldfastError): void => {
      isEmpty = false;
      unreadable.push({ ...named(key), flaw });
    };
    for await (const { key, size, modified } of store.list('', { onUnreadable })) {
      isEmpty = false;
      yield { ...named(key), sizeBytes: size, sizeIsSeen: true, modified };
      yield* unreadable.splice(0);
    }
    yield* unreadable;
    if (isEmpty)
      throw new HoldfastError('SOURCE_UNREACHABLE', `${store.location} has no files`, {
        hint: 'see whether it is the right place, and mounted; or remove the job',
      });
  },
  reached: (state) => state,
  async [Symbol.asyncDispose]() {},
});

/** The rows of the query, in one state of the database. */
export const listQuery = async (
  { source: config, text, overlapSeconds }: ListQuery,
  { signal, clock, log }: JobContext,
): Promise<Listing> => {
  const source = await openSource(config, { signal, clock, log });
  const reader = queryReaderOf(source);
  if (!reader) {
    await source[Symbol.asyncDispose]();
    throw new HoldfastError('UNSUPPORTED', `${config.name} is of kind ${config.kind}, which lists no files`, {
      hint: 'name a source of kind postgres',
    });
  }
  const view = await reader.openQuery(text).catch(async (error: unknown) => {
    await source[Symbol.asyncDispose]();
    throw error;
  });
  const latest = new Latest(() => clock.now());
  return {
    name: `query ${config.name}\n${text}`,
    async *files(since) {
      const settled = since?.settled;
      const from = settled !== undefined && { column: 'created', position: settled, overlapSeconds };
      for await (const rows of view.rows(from || undefined))
        for (const file of filesOfRows(rows)) {
          latest.see(file.created);
          yield file;
        }
    },
    reached: (state) => settledBy(latest.after(state, view), view),
    async [Symbol.asyncDispose]() {
      await view[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
};

/**
 * What was listed settles a position when every transaction that was open when it was reached had ended before: nothing of theirs was
 * overlooked. Without a horizon it settles at once, and the overlap has to do.
 */
const settledBy = ({ settled, pending }: ListingState, { horizon }: QueryView): ListingState => {
  const ended = pending.filter(({ next }) => horizon === undefined || BigInt(next) <= horizon.oldest);
  return { settled: ended.at(-1)?.position ?? settled, pending: pending.slice(ended.length) };
};

/** The latest time of creation that was listed; what is still to come was never one. */
class Latest {
  readonly #now: () => Date;
  #position: string | undefined;

  constructor(now: () => Date) {
    this.#now = now;
  }

  see(created: string | undefined): void {
    if (created === undefined || !isTime(created) || created <= (this.#position ?? '')) return;
    if (!isAhead(created, this.#now())) this.#position = created;
  }

  after({ settled, pending }: ListingState, { horizon }: QueryView): ListingState {
    const position = this.#position;
    const before =
      [pending.at(-1)?.position, settled].find((known) => known !== undefined && isTime(known)) ?? '';
    if (position === undefined || position <= before) return { settled, pending };
    return { settled, pending: [...pending, { next: String(horizon?.next ?? 0), position }] };
  }
}
