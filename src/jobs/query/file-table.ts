// The list of a snapshot's files and folders as a table.
import { letOthersWork } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { ListedEntry, Repository, Snapshot } from '#repository/contract.ts';
import type { SqlColumn, SqlValue } from '#sources/table-reader.ts';
import { originOf } from '../snapshot-choice.ts';
import type { Askable, AskContext } from './askable.ts';

/** What each column has of an entry, called as `ls --json` calls it. */
const fields: readonly (SqlColumn & { readonly of: (entry: ListedEntry) => SqlValue | undefined })[] = [
  { name: 'path', type: 'TEXT', of: ({ path }) => `/${path}` },
  { name: 'name', type: 'TEXT', of: ({ path }) => path.slice(path.lastIndexOf('/') + 1) },
  { name: 'type', type: 'TEXT', of: ({ type }) => type },
  { name: 'size', type: 'INTEGER', of: ({ meta }) => meta.size },
  { name: 'mtime', type: 'TEXT', of: ({ meta }) => timeOf(meta.mtime) },
  { name: 'mode', type: 'INTEGER', of: ({ meta }) => meta.mode },
  { name: 'uid', type: 'INTEGER', of: ({ meta }) => meta.uid },
  { name: 'gid', type: 'INTEGER', of: ({ meta }) => meta.gid },
  { name: 'user', type: 'TEXT', of: ({ meta }) => meta.user },
  { name: 'group', type: 'TEXT', of: ({ meta }) => meta.group },
  { name: 'link_target', type: 'TEXT', of: ({ meta }) => meta.linkTarget },
];

const tableName = 'files';

/** Others have their turn after so many entries. */
const atOnce = 1000;

/** One table, `files`. */
export const fileTable = (
  repository: Repository,
  snapshot: Snapshot,
  { signal, onEvent }: AskContext,
): Askable => ({
  missing: [],
  async named(name) {
    if (![tableName, `main.${tableName}`].includes(name.toLowerCase()))
      throw new HoldfastError('PATH_UNKNOWN', `the snapshot has no table "${name}"`, {
        hint: `it is one of files, which has the table ${tableName}`,
      });
    return {
      id: tableName,
      columns: fields,
      async read(names, onRow) {
        const wanted = names.map((each) => fields.find((field) => field.name === each));
        let items = 0;
        for await (const entry of repository.list(snapshot, { signal })) {
          onRow(wanted.map((field) => field?.of(entry) ?? null));
          items += 1;
          if (items % atOnce > 0) continue;
          onEvent({
            type: 'progress',
            subject: originOf(snapshot),
            progress: { phase: 'reading the list of files', bytes: 0, items },
          });
          await letOthersWork(signal);
        }
      },
    };
  },
  async *tables() {
    yield { database: originOf(snapshot), name: tableName, rows: undefined, columns: fields };
  },
});

/** '2026-11-23T01:02:03.004Z', as SQLite's functions for dates read it. */
const timeOf = (nanoseconds: bigint | undefined): string | undefined => {
  if (nanoseconds === undefined) return undefined;
  const time = new Date(Number(nanoseconds / 1_000_000n));
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
};
