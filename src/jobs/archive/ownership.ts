// Which archives a job may replace and remove: those that it made itself, and no others.
import { nameTemplate } from '#archive/name.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { Store, StoredObject } from '#stores/store.ts';
import { checksumsOf, hasOurChecksum } from './checksum.ts';
import { isSameOwner, type Mark, markOf, type Owner, ownerText, readMark } from './owner.ts';
import type { IsRemembered } from './remembered.ts';

export interface Ownership {
  /** This job. */
  readonly owner: Owner;
  /** The template of its files' names. */
  readonly name: string;
  readonly isRemembered: IsRemembered;
}

/** The job's own, another's, another user's, or of nobody that is known: older versions made no marks. */
export type Whose = 'ours' | 'hidden' | 'unknown' | Owner;

/** Of an archive with a name as the job's own, and our checksum beside it. */
export const whoseIs = (
  mark: Mark | undefined,
  store: Store,
  object: StoredObject,
  { owner, name, isRemembered }: Ownership,
): Whose => {
  if (mark === 'hidden') return 'hidden';
  if (mark === 'foreign') return 'unknown';
  if (mark === undefined)
    return nameTemplate(name).has('host') || isRemembered(store, object) ? 'ours' : 'unknown';
  if (isSameOwner(mark, owner)) return 'ours';
  const isRenamed = mark.job === owner.job && mark.host !== owner.host;
  return isRenamed && isRemembered(store, object, mark.host) ? 'ours' : mark;
};

/** How large the job's own archive of that name is, undefined where there is none yet; FAILED when the name is another's. */
export const sizeOfOwn = async (
  store: Store,
  key: string,
  ownership: Ownership,
): Promise<number | undefined> => {
  const sizes = await sizesAt(store, key);
  const size = sizes.get(key);
  const mark = await readMark(store, key, sizes.get(markOf(key)));
  // Where nothing may be read, what is not there is hidden, too: then the store says so itself.
  if (size === undefined && mark === 'hidden') await checksumsOf(store, key);
  if (size === undefined && (mark === undefined || mark === 'hidden')) return undefined;
  const isWhole = mark !== undefined || (await hasOurChecksum(store, key));
  const whose = isWhole ? whoseIs(mark, store, { key, size: size ?? 0 }, ownership) : 'unknown';
  if (whose === 'ours') return size;
  throw taken(store, key, whose, { owner: ownership.owner, isThere: size !== undefined });
};

/** Of the object and of what lies beside it. */
const sizesAt = async (store: Store, key: string): Promise<ReadonlyMap<string, number>> => {
  const objects = await Array.fromAsync(store.list(key));
  return new Map(objects.map((object) => [object.key, object.size]));
};

const reasons = {
  hidden: 'another user made it',
  unknown: 'nothing tells that this job made it',
} as const;

const taken = (
  store: Store,
  key: string,
  whose: Exclude<Whose, 'ours'>,
  { owner, isThere }: { readonly owner: Owner; readonly isThere: boolean },
): HoldfastError => {
  const other = typeof whose === 'object' ? whose : undefined;
  const renamed =
    other?.job === owner.job && other.host !== owner.host
      ? `; if that is this machine by another name, set HOLDFAST_HOST=${other.host}`
      : '';
  const made = typeof whose === 'object' ? `${ownerText(whose)} made it` : reasons[whose];
  const [what, away] = isThere
    ? [`is not replaced: ${made}`, 'move that file away, with what lies beside it']
    : [
        `is not made: ${other ? ownerText(other) : 'somebody else'} has the name`,
        `remove ${printable(markOf(key))}, if that archive is not just being made`,
      ];
  return new HoldfastError('FAILED', `${store.location}: ${printable(key)} ${what}`, {
    hint: `put {host} or {job} into "name", or let "to" be a folder of its own; or ${away}${renamed}`,
  });
};
