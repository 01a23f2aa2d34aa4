// Collections that are loaded beside those of their database, and take their places later: MongoDB gives a collection another name in
// one step, and only within its database.
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '#lib/errors.ts';
import { stagingPrefix } from './layout.ts';
import { isInternal } from './patterns.ts';
import { receivedCollection } from './received-mark.ts';

export interface Beside {
  /** Makes the names of this restore its own. */
  readonly suffix: string;
  /** How all its names begin. */
  readonly prefix: string;
  /** What a collection is called until it takes its place; undefined for one that must not take any. */
  nameOf(collection: string): string | undefined;
  /** Whose place the collection of that name is to take; undefined for what only the restore itself needs. */
  placeOf(name: string): string | undefined;
}

/** The names have numbers, because those of collections may be as long as the server allows. */
export const newBeside = (): Beside => {
  const suffix = `receiving-${randomBytes(4).toString('hex')}`;
  const prefix = stagingPrefix(suffix);
  const names = new Map<string, string>();
  const places = new Map<string, string>();
  return {
    suffix,
    prefix,
    nameOf(collection) {
      // A mark in the snapshot tells of the sender's own receiving.
      if (isInternal(collection) || collection === receivedCollection) return undefined;
      const known = names.get(collection);
      if (known !== undefined) return known;
      const name = `${prefix}loaded.${names.size}`;
      names.set(collection, name);
      places.set(name, collection);
      return name;
    },
    placeOf: (name) => places.get(name),
  };
};

/** Whether it was loaded beside others by some run. */
export const isBeside = (collection: string): boolean =>
  /^holdfast\.receiving-[0-9a-f]{8}\./.test(collection);

/** UNSUPPORTED where there is a time series: it keeps its name for ever, and would have to be filled where readers see it. */
export const assertMayTakePlaces = (
  collections: readonly { readonly name: string; readonly type: string }[],
): void => {
  const series = collections.find(({ type }) => type === 'timeseries');
  if (series === undefined) return;
  throw new HoldfastError('UNSUPPORTED', `the time series ${series.name} cannot be received`, {
    hint: 'MongoDB renames none, so readers would see it half filled: `exclude` it from what the sender backs up for this receiver',
  });
};
