// The manifests of the databases in a snapshot.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import { type Manifest, type ManifestTable, manifestName, manifestSchema } from '#sources/manifest.ts';
import { tagOf } from './snapshot-choice.ts';

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
  for await (const { path, type } of repository.list(snapshot, { signal, include: isManifestOrFolder }))
    if (type === 'file')
      found.push({
        folder: path.slice(0, -manifestName.length - 1),
        manifest: await readManifest(repository, snapshot, path, signal),
      });
  return found;
};

/** Where a table's data lies in the snapshot. */
export const entriesOf = ({ folder }: FoundManifest, table: ManifestTable): string[] =>
  table.entries.map((entry) => `${folder}/${entry}`);

const isManifestOrFolder = (path: string, type: string): boolean =>
  type === 'dir' || path.endsWith(`/${manifestName}`);

const readManifest = async (
  repository: Repository,
  snapshot: Snapshot,
  path: string,
  signal: AbortSignal,
): Promise<Manifest> => {
  const chunks: Uint8Array[] = [];
  for await (const entry of repository.read(snapshot, { path, signal }))
    if (entry.type === 'file' && entry.path === path && entry.content)
      for await (const chunk of entry.content()) chunks.push(Buffer.from(chunk));
  try {
    return manifestSchema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (cause) {
    throw new HoldfastError('REPOSITORY_DAMAGED', `${path} is not a manifest: ${messageOf(cause)}`, {
      cause,
    });
  }
};
