// BSON as bytes (https://bsonspec.org/spec.html): looked at element by element, so that what is not asked for is never decoded,
// and key order, doubled keys and text that is not UTF-8 are kept. The package is met in this file only.
import * as BSON from 'bson';
import { bufferOf } from '#lib/buffer-of.ts';
import { HoldfastError } from '#lib/errors.ts';

export type { Timestamp } from 'bson';

/** One element of a document; `value` is what lies between its name and the next element. */
export interface Element {
  readonly type: number;
  readonly name: string;
  readonly value: Buffer;
}

export const bsonType = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
} as const;

/** The elements of a raw document, in order. ITEM_UNREADABLE when its bytes are no BSON. */
export function* elementsOf(document: Uint8Array): Generator<Element> {
  const bytes = bufferOf(document);
  if (bytes.length < 5 || bytes.readInt32LE(0) !== bytes.length || bytes[bytes.length - 1] !== 0)
    throw invalid();
  const end = bytes.length - 1;
  for (let at = 4; at < end; ) {
    const type = bytes[at] as number;
    const nameEnd = bytes.indexOf(0, at + 1);
    const start = nameEnd + 1;
    const length = valueLength(type, bytes, start);
    if (nameEnd < 0 || start + length > end) throw invalid();
    yield {
      type,
      name: bytes.toString('utf8', at + 1, nameEnd),
      value: bytes.subarray(start, start + length),
    };
    at = start + length;
  }
}

/** The element of that name, or undefined. */
export const elementAt = (document: Uint8Array, name: string): Element | undefined => {
  for (const element of elementsOf(document)) if (element.name === name) return element;
  return undefined;
};

/** The string at that name; undefined for anything else. */
export const stringAt = (document: Uint8Array, name: string): string | undefined => {
  const element = elementAt(document, name);
  return element?.type === bsonType.string
    ? element.value.toString('utf8', 4, element.value.length - 1)
    : undefined;
};

/** The raw document or array at that name; undefined for anything else. */
export const documentAt = (document: Uint8Array, name: string): Buffer | undefined => {
  const element = elementAt(document, name);
  return element && isNested(element.type) ? element.value : undefined;
};

/** The raw documents in the array at that name. */
export const documentsAt = (document: Uint8Array, name: string): Buffer[] =>
  [...elementsOf(documentAt(document, name) ?? emptyDocument)].map(({ value }) => value);

export const emptyDocument: Buffer = Buffer.from([5, 0, 0, 0, 0]);

/** A value that the driver writes again as it was: documents as Maps, because objects reorder keys that look like numbers. */
export const decode = (document: Uint8Array): Map<string, unknown> =>
  new Map([...elementsOf(document)].map((element) => [element.name, decodeValue(element)]));

/** The same of one value. */
export const decodeValue = ({ type, value }: Element): unknown => {
  if (type === bsonType.document) return decode(value);
  if (type === bsonType.array) return [...elementsOf(value)].map(decodeValue);
  return scalar(type, value);
};

/** The value as the package's own class, with nothing converted. */
const scalar = (type: number, value: Uint8Array): unknown => {
  const document = Buffer.concat([Buffer.alloc(4), Buffer.from([type, 0x76, 0]), value, Buffer.alloc(1)]);
  document.writeInt32LE(document.length, 0);
  return BSON.deserialize(document, exactly).v;
};

const exactly = {
  promoteValues: false,
  promoteLongs: false,
  promoteBuffers: false,
  bsonRegExp: true,
  validation: { utf8: false as const },
};

/** Canonical extended JSON, as mongodump writes it, with keys in their order. */
export const canonicalJson = (document: Uint8Array): string => documentJson(document, canonicalScalar);

const canonicalScalar = (element: Element): string => scalarJson(element, { relaxed: false });

/** One value in the form of extended JSON that people read: 17, "text", {"$date": …}. */
export const relaxedJson = (element: Element): string => valueJson(element, relaxedScalar);

/** The same of a whole document. */
export const relaxedDocument = (document: Uint8Array): string => documentJson(document, relaxedScalar);

/** The package makes of integers of 64 bits what JavaScript can count to, which may be another one. */
const relaxedScalar = (element: Element): string => {
  const { type, value } = element;
  if (type === bsonType.int64) return `${value.readBigInt64LE(0)}`;
  if (type === bsonType.int32) return `${value.readInt32LE(0)}`;
  return scalarJson(element, { relaxed: true });
};

type ToJson = (element: Element) => string;

const documentJson = (document: Uint8Array, scalarToJson: ToJson): string => {
  const members: string[] = [];
  for (const element of elementsOf(document))
    members.push(`${JSON.stringify(element.name)}:${valueJson(element, scalarToJson)}`);
  return `{${members.join(',')}}`;
};

const valueJson = (element: Element, scalarToJson: ToJson): string => {
  const { type, value } = element;
  if (type === bsonType.document) return documentJson(value, scalarToJson);
  if (type !== bsonType.array) return scalarToJson(element);
  return `[${[...elementsOf(value)].map((each) => valueJson(each, scalarToJson)).join(',')}]`;
};

const scalarJson = ({ type, value }: Element, options: { readonly relaxed: boolean }): string =>
  BSON.EJSON.stringify({ v: scalar(type, value) }, options).slice('{"v":'.length, -1);

/** A plain object as BSON. */
export const encode = (value: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>): Buffer =>
  Buffer.from(BSON.serialize(value));

/** Extended JSON as people write it, for queries. */
export const parseExtendedJson = (text: string): unknown =>
  BSON.EJSON.parse(JSON.stringify(JSON.parse(text, withAllDigits)), { relaxed: false });

/** An integer that JavaScript cannot count to would become another one. */
const withAllDigits = (_key: string, value: unknown, { source = '' }: { source?: string } = {}): unknown => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(source)) return value;
  return BigInt.asIntN(64, BigInt(source)) === BigInt(source) ? { $numberLong: source } : value;
};

/** Whether such a value is a document, and not a list or a single value. */
export const isDocument = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !('_bsontype' in value);

/** '1700000000:5', as MongoDB's tools write a moment of the oplog. */
export const timestampText = (value: BSON.Timestamp): string => `${value.t}:${value.i}`;

export const timestampOf = (text: string): BSON.Timestamp => {
  const [t = 0, i = 0] = text.split(':').map(Number);
  return new BSON.Timestamp({ t, i });
};

/** The timestamp at that name, as text. */
export const timestampAt = (document: Uint8Array, name: string): string | undefined => {
  const element = elementAt(document, name);
  if (element?.type !== bsonType.timestamp) return undefined;
  return `${element.value.readUInt32LE(4)}:${element.value.readUInt32LE(0)}`;
};

const isNested = (type: number): boolean => type === bsonType.document || type === bsonType.array;

/** How many bytes a value of that type takes; NaN for a type that is none. */
const valueLength = (type: number, bytes: Buffer, at: number): number => {
  const fixed = fixedLengths.get(type);
  if (fixed !== undefined) return fixed;
  if (type === 0x0b) return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1 - at;
  if (at + 4 > bytes.length) throw invalid();
  const length = bytes.readInt32LE(at);
  const more = lengthsBeside.get(type);
  if (more === undefined || length < 0) throw invalid();
  return length + more;
};

const fixedLengths: ReadonlyMap<number, number> = new Map([
  ...[0x06, 0x0a, 0xff, 0x7f].map((type) => [type, 0] as const),
  ...[0x01, 0x09, 0x11, 0x12].map((type) => [type, 8] as const),
  [0x07, 12],
  [0x08, 1],
  [0x10, 4],
  [0x13, 16],
]);

/** What comes on top of the length that the value begins with. */
const lengthsBeside: ReadonlyMap<number, number> = new Map([
  ...[0x02, 0x0d, 0x0e].map((type) => [type, 4] as const),
  ...[0x03, 0x04, 0x0f].map((type) => [type, 0] as const),
  [0x05, 5],
  [0x0c, 16],
]);

const invalid = (): HoldfastError => new HoldfastError('ITEM_UNREADABLE', 'a document is not valid BSON');
