// Builders for the tests of jobs: sources made of plain values, and a context that remembers what it was told.
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Snapshot } from '#repository/contract.ts';
import { type MemoryEntry, memoryEntries } from '#repository/testing.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { Entry } from '#sources/source.ts';
import type { JobEvent } from './event.ts';
import type { JobContext } from './job-context.ts';

/** A source that dumps these entries, or breaks as the error says when it is read. */
export const plainSource = (
  name: string,
  entries: Readonly<Record<string, MemoryEntry>> | Error,
  kind = 'files',
): SourceConfig => ({
  name,
  kind,
  config: {},
  toJSON: () => ({ kind }),
  open: async () => ({
    concurrency: 1,
    check: async () => [{ level: 'warning', subject: 'this source', message: 'is made of plain values' }],
    async *dump(): AsyncGenerator<Entry> {
      if (entries instanceof Error) throw entries;
      yield* memoryEntries(entries);
    },
    restore: async () => {
      throw new Error('a plain source takes nothing back');
    },
    [Symbol.asyncDispose]: async () => {},
  }),
});

/** A context that keeps the events. */
export const rememberingContext = (
  signal = new AbortController().signal,
): JobContext & { readonly events: readonly JobEvent[] } => {
  const events: JobEvent[] = [];
  return { signal, clock: systemClock, log: silentLog, events, onEvent: (event) => void events.push(event) };
};

let made = 0;

/** A snapshot as a repository lists it; the time is so many minutes into a day. */
export const snapshotOf = (
  source: string | undefined,
  minutes: number,
  more: Partial<Snapshot> = {},
): Snapshot => ({
  id: (made++).toString(16).padStart(8, '0').repeat(8),
  time: new Date(Date.UTC(2026, 10, 21, 0, minutes)),
  tree: '0'.repeat(64),
  paths: [`/${source ?? 'home/ada'}`],
  hostname: 'here',
  username: 'ada',
  tags: source === undefined ? [] : [`source:${source}`, 'kind:files', `run:r${minutes}`],
  ...more,
});
