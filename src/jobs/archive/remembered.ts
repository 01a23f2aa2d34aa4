// Archives that no mark speaks for: older versions made none, and a machine may be called otherwise now. The catalog knows which
// runs of the job there were, and so what they called their files.
import { withoutAddedEnding } from '#archive/format.ts';
import { nameTemplate } from '#archive/name.ts';
import type { Catalog } from '#catalog/catalog.ts';
import { HoldfastError } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import type { Store, StoredObject } from '#stores/store.ts';

/** Whether runs of the job that the catalog remembers made this file there; with a host, such as the machine did when it was called so. */
export type IsRemembered = (store: Store, object: StoredObject, host?: string) => boolean;

export interface Naming {
  readonly job: string;
  /** The template. */
  readonly name: string;
  readonly site?: string | undefined;
}

type Memory = Pick<Catalog, 'archivedRuns'>;

interface Remembered {
  readonly host: string;
  /** Absent where it is not known of the file alone. */
  readonly bytes?: number;
}

export const rememberedBy = (catalog: Memory | undefined, naming: Naming): IsRemembered => {
  const stores = new Map<string, ReadonlyMap<string, readonly Remembered[]>>();
  return (store, { key, size }, host) => {
    if (catalog === undefined) return false;
    const files = stores.get(store.location) ?? filesIn(catalog, naming, store.location);
    stores.set(store.location, files);
    return (files.get(withoutAddedEnding(key, naming.name)) ?? []).some(
      (made) => (made.bytes ?? size) === size && (host ?? made.host) === made.host,
    );
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

/** By their names, without endings that were added. */
const filesOf = (
  catalog: Memory,
  { job, name, site = '' }: Naming,
  store: string,
): ReadonlyMap<string, readonly Remembered[]> => {
  const template = nameTemplate(name);
  const found = new Map<string, Remembered[]>();
  const add = (file: string, made: Remembered): void =>
    void found.set(file, [...(found.get(file) ?? []), made]);
  for (const { startedAt, host, sources, files } of catalog.archivedRuns(job, store))
    if (template.has('database')) for (const file of files) add(withoutAddedEnding(file, name), { host });
    else
      for (const { source, bytes } of sources) {
        const words = { source, database: '', job, host: machineName(), site };
        add(template.format(words, startedAt), { host, bytes });
      }
  return found;
};
