// Databases: what a dump of the restored ones says of tables and definitions, beside what was captured.
import { forEachLimit } from '#lib/concurrency.ts';
import { hasCode, messageOf } from '#lib/errors.ts';
import { type Manifest, manifestName, manifestSchema } from '#sources/manifest.ts';
import type { Content, Entry, ScratchPlace } from '#sources/source.ts';
import type { FoundManifest } from '../manifests.ts';
import { differencesBetween, type TableTally, tallies } from '../table-tally.ts';
import type { Comparison } from './comparison.ts';
import { asInability, isInability } from './inability.ts';

/** By the path of the file that they stand in, and by their names. */
type Definitions = Map<string, ReadonlyMap<string, string>>;

/** `root` is the folder of the snapshot that holds the source. */
export const compareTables = (
  found: readonly FoundManifest[],
  root: string,
  place: ScratchPlace,
): Comparison => {
  const captured: Definitions = new Map();
  const counted = tallies(found);
  const byPath = new Map(counted.flatMap((tally) => tally.paths.map((path) => [path, tally])));
  const unseen = new Set(byPath.keys());
  let ended = false;
  async function* watch(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
    for await (const entry of entries) {
      const path = `${root}/${entry.path}`;
      unseen.delete(path);
      yield watched(entry, byPath.get(path));
    }
    ended = true;
  }
  const watched = (entry: Entry, tally: TableTally | undefined): Entry => {
    const { path, content } = entry;
    if (content === undefined) return entry;
    if (tally) return { ...entry, content: () => tally.counting(`${root}/${path}`, content.call(entry)) };
    const read = place.definitionsIn?.(path);
    if (read === undefined) return entry;
    return {
      ...entry,
      content: () =>
        withBytes(content.call(entry), (bytes) => captured.set(path, read(bytes.toString(), bytes))),
    };
  };
  return {
    watch,
    // A table that a failed restore read in part proves nothing; a file that never came is missing in the snapshot.
    wrongSoFar: () =>
      counted
        .flatMap((tally) =>
          tally.complete
            ? tally.differences()
            : tally.paths
                .filter((path) => ended && unseen.has(path))
                .map((path) => `${path} is not in the snapshot`),
        )
        .map((text) => (/^[:/]/.test(text.slice(root.length)) ? text.slice(root.length + 1).trim() : text)),
    async compare() {
      const restored = await readBack(place);
      const folders = found.map((one) => ({ ...one, folder: one.folder.slice(root.length + 1) }));
      return {
        differences: [
          ...restored.failures,
          ...folders.flatMap((one) => differencesIn(one, restored.manifests.get(one.folder))),
          ...definitionDifferences(captured, restored, folders),
        ],
        tables: folders.reduce((sum, { manifest }) => sum + manifest.tables.length, 0),
        rows: [...restored.manifests.values()]
          .flatMap(({ tables }) => tables)
          .reduce((sum, { rows }) => sum + rows, 0),
        definitions: [...captured.values()].reduce((sum, { size }) => sum + size, 0),
      };
    },
  };
};

interface Restored {
  /** By the folder of the snapshot that they describe. */
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly definitions: Definitions;
  /** What could not be read back. */
  readonly failures: readonly string[];
}

const readBack = async (place: ScratchPlace): Promise<Restored> => {
  const manifests = new Map<string, Manifest>();
  const definitions: Definitions = new Map();
  const failures: string[] = [];
  await forEachLimit(place.dump(), place.concurrency, async ({ path, failed, content }) => {
    if (failed) failures.push(unreadable(place, path, failed));
    if (content === undefined) return;
    const read = place.definitionsIn?.(path);
    try {
      if (path === manifestName || path.endsWith(`/${manifestName}`))
        manifests.set(
          path.slice(0, -manifestName.length - 1),
          manifestSchema.parse(JSON.parse((await bytesOf(content())).toString())),
        );
      else if (read) {
        const bytes = await bytesOf(content());
        definitions.set(path, read(bytes.toString(), bytes));
      } else for await (const _ of content()); // its rows are counted in the manifest
    } catch (error) {
      if (!hasCode(error, 'ITEM_UNREADABLE', 'ITEM_CHANGED')) throw error;
      failures.push(unreadable(place, path, error));
    }
  });
  return { manifests, definitions, failures };
};

/** What cannot be read because of the server, which went away, say, says nothing of the snapshot: then that is thrown. */
const unreadable = (place: ScratchPlace, path: string, error: Error): string => {
  if (isInability(place, error)) throw asInability(error);
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (hasCode(cause, 'SOURCE_UNREACHABLE')) throw cause;
  return `${path} cannot be read back: ${messageOf(error)}`;
};

/** Where a source holds several databases, each difference says which one it is in. */
const within = ({ folder, manifest }: FoundManifest): string =>
  folder === '' ? '' : `${manifest.database}: `;

const differencesIn = (one: FoundManifest, restored: Manifest | undefined): string[] => {
  const { manifest } = one;
  const prefix = within(one);
  if (restored === undefined) return [`${prefix}the database was not restored`];
  // Some engines put the database before a table's name, and here it is that of the copy.
  const original = (name: string): string =>
    name.startsWith(`${restored.database}.`)
      ? manifest.database + name.slice(restored.database.length)
      : name;
  const tables = restored.tables.map((table) => ({ ...table, name: original(table.name) }));
  const byName = new Map(tables.map((table) => [table.name, table]));
  const reasons = new Map(restored.missing.map(({ name, reason }) => [original(name), reason]));
  const names = new Set([...manifest.tables, ...manifest.missing].map(({ name }) => name));
  return [
    ...manifest.tables.flatMap((table): string[] => {
      const other = byName.get(table.name);
      const differences = other
        ? differencesBetween(other, table)
        : [reasons.get(table.name) ?? 'its rows are missing'];
      return differences.map((text) => `${prefix}table ${table.name}: ${text}`);
    }),
    ...tables
      .filter(({ name, rows }) => rows > 0 && !names.has(name))
      .map(({ name, rows }) => `${prefix}table ${name}: ${rows} rows, captured were none`),
  ];
};

/** Between different versions of an engine the same thing may be written otherwise: then only what is missing is told. */
const definitionDifferences = (
  captured: Definitions,
  restored: Restored,
  found: readonly FoundManifest[],
): string[] =>
  [...captured].flatMap(([path, definitions]) => {
    const one = found.find(({ folder }) => folder === '' || path.startsWith(`${folder}/`));
    const prefix = one ? within(one) : '';
    const sameVersion =
      one?.manifest.engineVersion === restored.manifests.get(one?.folder ?? '')?.engineVersion;
    const others = restored.definitions.get(path);
    return [...definitions].flatMap(([name, definition]): string[] => {
      const other = others?.get(name);
      if (other === undefined) return [`${prefix}${name} is missing`];
      return sameVersion && other !== definition ? [`${prefix}${name} is not as it was captured`] : [];
    });
  });

/** The content as it is, and at its end all of it at once. */
async function* withBytes(content: Content, take: (bytes: Buffer) => void): AsyncGenerator<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) {
    chunks.push(Buffer.from(chunk));
    yield chunk;
  }
  take(Buffer.concat(chunks));
}

const bytesOf = async (content: Content): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};
