// What was loaded beside a database, in the places of what is there: each collection in one step, one soon after the other. Done again
// from the start it goes on where it broke off.
import { byBytes } from '#lib/byte-order.ts';
import { HoldfastError } from '#lib/errors.ts';
import { decode, documentAt } from './bson.ts';
import type { Connection } from './connect.ts';
import { type Collection, listCollections } from './listing.ts';
import { dropCollection, renameCollection } from './new-collection.ts';
import { isInternal } from './patterns.ts';
import type { Claim } from './received-claim.ts';
import { type Move, receivedCollection } from './received-mark.ts';
import { serverCode } from './server-error.ts';

export interface Places {
  readonly connection: Connection;
  readonly database: string;
  readonly claim: Claim;
}

/** By the names they get: the chunks of GridFS come just before the files that they belong to. */
export const inOrder = (moves: readonly Move[]): Move[] => moves.toSorted((a, b) => byBytes(a.to, b.to));

/** After this there are those collections and views, and no others. TARGET_FAILED when something of them is gone. */
export const takePlaces = async (places: Places, moves: readonly Move[]): Promise<void> => {
  const there = await namesIn(places);
  assertAllThere(places, moves, there);
  for (const { from, to } of moves)
    if (there.get(from)?.type === 'collection') await placeCollection(places, from, to, there.get(to));
  for (const { from, to } of moves) {
    const view = there.get(from);
    if (view?.type === 'view') await placeView(places, view, to, there.get(to));
  }
  await dropOthers(places, new Set(moves.map(({ to }) => to)), there);
};

type Present = ReadonlyMap<string, Collection>;

const namesIn = async ({ connection, database }: Places): Promise<Present> =>
  new Map((await listCollections(connection, database)).map((each) => [each.name, each]));

/** A collection that is no longer beside the others has its place already, unless somebody took it away. */
const assertAllThere = ({ database }: Places, moves: readonly Move[], there: Present): void => {
  for (const { from, to, uuid } of moves) {
    if (there.has(from)) continue;
    const placed = there.get(to);
    if (placed?.type === 'collection' && placed.uuid === uuid) continue;
    throw new HoldfastError(
      'TARGET_FAILED',
      `${from}, which was to become ${database}.${to}, is no longer there`,
      { hint: 'the next run loads everything anew; leave collections of such names alone' },
    );
  }
};

const placeCollection = async (
  { connection, database, claim }: Places,
  from: string,
  to: string,
  before: Collection | undefined,
): Promise<void> => {
  if (before && before.type !== 'collection') {
    await claim.assertHeld();
    await dropCollection(connection, { database, name: to });
  }
  // Whoever has taken over does the same, and takes away what this would move.
  await renameCollection(connection, { database, name: from }, to);
};

/** What it shows is changed in one step, where the server does that. */
const placeView = async (
  { connection, database, claim }: Places,
  { options }: Collection,
  to: string,
  before: Collection | undefined,
): Promise<void> => {
  if (before?.type === 'view' && isSame(before.options, options)) return;
  await claim.assertHeld();
  const definition = Object.fromEntries(decode(options));
  if (before?.type === 'view' && isSame(collationOf(before.options), collationOf(options)))
    try {
      const { viewOn, pipeline } = definition;
      return void (await connection.command(database, { collMod: to, viewOn, pipeline }));
    } catch (error) {
      if (serverCode(error) === undefined) throw error; // two views may have changed places
    }
  if (before) await dropCollection(connection, { database, name: to });
  await connection.command(database, { create: to, ...definition });
};

const isSame = (one: Uint8Array | undefined, other: Uint8Array | undefined): boolean =>
  Buffer.compare(one ?? Buffer.of(), other ?? Buffer.of()) === 0;

const collationOf = (options: Uint8Array): Uint8Array | undefined => documentAt(options, 'collation');

/** Views first, because they show collections. */
const dropOthers = async (
  { connection, database, claim }: Places,
  wanted: ReadonlySet<string>,
  there: Present,
): Promise<void> => {
  const others = [...there.values()].filter(
    ({ name }) => !wanted.has(name) && !isInternal(name) && name !== receivedCollection,
  );
  for (const { name } of others.toSorted((a, b) => Number(b.type === 'view') - Number(a.type === 'view'))) {
    await claim.assertHeld();
    await dropCollection(connection, { database, name });
  }
};
