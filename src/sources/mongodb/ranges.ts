// Large collections are cut into ranges of _id, so that several cursors read them side by side.
import { bsonType, decode, type Element, elementAt } from './bson.ts';

/** A filter for `find`: nothing for all of a collection. */
export type Range = ReadonlyMap<string, unknown>;

export const everything: Range = new Map();

/** To find the bounds of more takes longer than they save. */
const mostRanges = 4000;
/** So many _ids of a sample for each range: few of them are then more than twice as large as meant. */
const sampledForEach = 5;
/** A server that is asked for more than a twentieth of a collection reads all of it. */
const documentsForEachSampled = 25;

/** How many ranges a collection of that size is cut into. */
export const rangeCount = (bytes: number, rangeMiB: number): number =>
  Math.min(mostRanges, Math.max(1, Math.round(bytes / (rangeMiB * 1024 * 1024))));

export const sampleSize = (ranges: number, documents: number): number =>
  Math.max(1, Math.min(ranges * sampledForEach, Math.floor(documents / documentsForEachSampled)));

/**
 * Ranges between the least and the greatest _id, in order, cut where a sorted sample says. Comparisons of a query look only at
 * values of one kind, so _ids of mixed kinds, and kinds that compare in ways of their own, are left in one range.
 */
export const rangesBetween = (
  least: Uint8Array | undefined,
  greatest: Uint8Array | undefined,
  sample: readonly Uint8Array[],
  count: number,
): readonly Range[] => {
  const kind = kindOf(least);
  if (kind === undefined || kind !== kindOf(greatest)) return [everything];
  const bounds: unknown[] = [];
  let last: string | undefined;
  for (let index = 1; index < count; index += 1) {
    const document = sample[Math.floor((index * sample.length) / count)];
    const bound = document && idOf(document);
    const text = bound?.value.toString('latin1');
    if (!document || kindOf(document) !== kind || text === last) continue;
    last = text;
    bounds.push(decode(document).get('_id'));
  }
  return [undefined, ...bounds].map((from, index) => between(from, bounds[index]));
};

const between = (from: unknown, to: unknown): Range => {
  const condition = new Map<string, unknown>();
  if (from !== undefined) condition.set('$gte', from);
  if (to !== undefined) condition.set('$lt', to);
  return condition.size === 0 ? everything : new Map([['_id', condition]]);
};

const idOf = (document: Uint8Array): Element | undefined => elementAt(document, '_id');

/** What may be cut: values of one kind are compared with each other, and none of it is greater than the bound and not less. */
const kindOf = (document: Uint8Array | undefined): string | undefined => {
  const id = document && idOf(document);
  switch (id?.type) {
    case bsonType.objectId:
    case bsonType.date:
    case bsonType.binary:
      return `${id.type}`;
    case bsonType.string:
      return isUtf8String(id) ? 'string' : undefined;
    case bsonType.int32:
    case bsonType.int64:
      return 'number';
    case bsonType.double:
      return Number.isNaN(id.value.readDoubleLE(0)) ? undefined : 'number';
    default:
      return undefined;
  }
};

const isUtf8String = ({ value }: Element): boolean =>
  Buffer.from(value.toString('utf8', 4, value.length - 1)).equals(value.subarray(4, value.length - 1));
