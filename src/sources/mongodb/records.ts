// Finds a document by its _id in what a backup of MongoDB holds; no server is needed.
import type { FoundRecord, RecordFinder } from '../records.ts';
import { bsonType, type Element, elementAt, relaxedJson } from './bson.ts';
import { documentsOf } from './documents.ts';
import { parsePath } from './layout.ts';

export const documents: RecordFinder = {
  holds(path) {
    return isDocuments(path);
  },
  beside: () => [],
  async *read(content, key): AsyncGenerator<FoundRecord> {
    for await (const document of documentsOf(content)) {
      const id = elementAt(document, '_id');
      if (id && isNamed(id, key)) yield { bytes: document, label: kindOf(id) };
    }
  },
};

/** Whether the document has an _id that one of these stands for. */
export const isRecord = (document: Uint8Array, keys: readonly string[]): boolean => {
  const id = elementAt(document, '_id');
  return id !== undefined && keys.some((key) => isNamed(id, key));
};

const isDocuments = (path: string): boolean => {
  try {
    return parsePath(path).kind === 'documents';
  } catch {
    return false; // a folder, or no file of ours
  }
};

/** As people write them: text and numbers as they are, ObjectIds and UUIDs in hexadecimal, all else as extended JSON. */
const isNamed = (id: Element, key: string): boolean => {
  if (id.type === bsonType.string) return id.value.toString('utf8', 4, id.value.length - 1) === key;
  if (id.type === bsonType.objectId) return id.value.toString('hex') === key.toLowerCase();
  if (id.type === bsonType.int64) return `${id.value.readBigInt64LE(0)}` === key;
  const isUuid = id.type === bsonType.binary && id.value[4] === uuidSubtype;
  if (isUuid) return id.value.toString('hex', 5) === key.toLowerCase().replaceAll('-', '');
  return relaxedJson(id) === key;
};

const uuidSubtype = 4;

const kindOf = ({ type }: Element): string =>
  Object.entries(bsonType).find(([, number]) => number === type)?.[0] ?? `type ${type}`;
