// Archives that no mark speaks for: older versions made none, and a machine may be called otherwise now. The catalog knows which
// runs of the job there were, and so what they called their files.
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate } from '#archive/name.ts';
import type { Catalog } from '#catalog/catalog.ts';
import { HoldfastError } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Store, StoredObject } from '#stores/store.ts';

/** Whether runs of the job that the catalog remembers made this file there. */
export type IsRemembered = (store: Store, object: StoredObject) => boolean;

export interface Naming {
  readonly job: string;
  /** The template. */
  readonly name: string;
  readonly site?: string | undefined;
}

type Memory = Pick<Catalog, 'archivedRuns'>;

export const rememberedBy = (catalog: Memory | undefined, naming: Naming): IsRemembered => {
  const stores = new Map<string, ReadonlyMap<string, ReadonlySet<number>>>();
  return (store, { key, size }) => {
    if (catalog === undefined) return false;
    const files = stores.get(store.location) ?? filesIn(catalog, naming, store.location);
    stores.set(store.location, files);
    const sizes = files.get(withoutAddedEnding(key, naming.name));
    return sizes !== undefined && (sizes.size === 0 || sizes.has(size));
  };
};

/** An archive is worth more than what a catalog that cannot be read would tell. */
const filesIn = (...known: Parameters<typeof filesOf>): ReturnType<typeof filesOf> => {
  try {
    return filesOf(...known);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return new Map();
  }
};

/** The names of the files, without endings that were added, and the bytes that such files had; none where that is not known. */
const filesOf = (
  catalog: Memory,
  { job, name, site = '' }: Naming,
  store: string,
): ReadonlyMap<string, ReadonlySet<number>> => {
  const template = nameTemplate(name);
  const found = new Map<string, Set<number>>();
  const add = (file: string, ...sizes: readonly number[]): void =>
    void found.set(file, new Set([...(found.get(file) ?? []), ...sizes]));
  for (const { startedAt, sources, files } of catalog.archivedRuns(job, store))
    if (template.has('database')) for (const file of files) add(withoutAddedEnding(file, name));
    else
      for (const { source, bytes } of sources)
        add(template.format({ source, database: '', job, host: machineName(), site }, startedAt), bytes);
  return found;
};
