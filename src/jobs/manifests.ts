// The manifests of the databases in a snapshot.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Manifest, type ManifestTable, manifestName, manifestSchema } from '#sources/manifest.ts';
import { isRepaired, tagOf } from './snapshot-choice.ts';

export interface FoundManifest {
  /** The folder it describes, as the snapshot has it ('shop', 'server/shop'). */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Kinds whose files are their users' own: a manifest.json among them is just a file. */
export const plainKinds: readonly (string | undefined)[] = [undefined, 'files', 'objects'];

/** Every database's manifest; none for a snapshot of files. REPOSITORY_DAMAGED when one cannot be read. */
export const manifestsOf = async (
  repository: Repository,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<FoundManifest[]> => {
  if (plainKinds.includes(tagOf(snapshot, 'kind'))) return [];
  const found: FoundManifest[] = [];
  const folders = [''];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const { files, below } = await childrenOf(repository, snapshot, folder, signal);
    const path = joined(folder, manifestName);
    // What lies below a database's folder is its own: there may be a folder for each of ten thousand tables.
    if (files.includes(path))
      found.push({ folder, manifest: await readManifest(repository, snapshot, path, signal) });
    else folders.push(...below);
  }
  return found;
};

/** The same for what searches tables: ITEM_UNREADABLE where a repair has left none, so that no table is taken for one that never was. */
export const knownManifestsOf = async (
  repository: Repository,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<FoundManifest[]> => {
  const found = await manifestsOf(repository, snapshot, signal);
  if (found.length > 0 || !isRepaired(snapshot) || plainKinds.includes(tagOf(snapshot, 'kind'))) return found;
  throw new HoldfastError(
    'ITEM_UNREADABLE',
    `snapshot ${shortId(snapshot.id)} was repaired, and what tells of its tables is lost`,
    { hint: 'take another snapshot' },
  );
};

/** Where a table's data lies in the snapshot. */
export const entriesOf = ({ folder }: FoundManifest, table: ManifestTable): string[] =>
  table.entries.map((entry) => `${folder}/${entry}`);

const childrenOf = async (
  repository: Repository,
  snapshot: Snapshot,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly files: string[]; readonly below: string[] }> => {
  const files: string[] = [];
  const below: string[] = [];
  const isNear = (path: string): boolean => path === folder || parentOf(path) === folder;
  const options = { signal, include: isNear, ...(folder !== '' && { path: folder }) };
  for await (const { path, type } of repository.list(snapshot, options))
    if (path !== folder) (type === 'dir' ? below : files).push(path);
  return { files, below };
};

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

const joined = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

const readManifest = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<Manifest> => {
  const bytes = await readWhole(repository, snapshot, path, signal);
  try {
    return manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new HoldfastError('REPOSITORY_DAMAGED', `${path} is not a manifest: ${messageOf(cause)}`, {
      cause,
    });
  }
};

/** A small file of a snapshot. PATH_UNKNOWN where there is none. */
export const readWhole = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const entry of repository.read(snapshot, { path, signal }))
    if (entry.type === 'file' && entry.path === path && entry.content)
      for await (const chunk of entry.content()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
};
