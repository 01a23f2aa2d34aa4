// Inserts of raw documents that stay as they are. At the top of a document a server takes a timestamp of zero for one that it is to
// set, unless it is told otherwise, or the field is set by a pipeline (mongorestore/restore.go).
import { bufferOf } from '#lib/buffer-of.ts';
import { bsonType, decodeValue, elementAt, elementsOf, timestampOf } from './bson.ts';
import type { Command, Connection } from './connect.ts';

interface Place {
  readonly database: string;
  readonly name: string;
}

/** As `Connection.insert`. On a server that cannot be told, a zero whose field is named with a dot or a dollar becomes the time of the restore. */
export const insertAsTheyAre = async (
  connection: Connection,
  place: Place,
  documents: readonly Uint8Array[],
  options: Command = {},
): Promise<void> => {
  const { keepsZeroTimestamps } = connection.facts;
  const zeros = documents.filter(mayHaveZeros).filter((document) => zerosOf(document).length > 0);
  const also = zeros.length > 0 && keepsZeroTimestamps ? { bypassEmptyTsReplacement: true } : {};
  await connection.insert(place.database, place.name, documents, { ...options, ...also });
  if (!keepsZeroTimestamps) for (const document of zeros) await setZeros(connection, place, document);
};

const setZeros = async (connection: Connection, place: Place, document: Uint8Array): Promise<void> => {
  const zero = { $literal: timestampOf('0:0') };
  const fields = zerosOf(document).filter((field) => /^[^.$][^.]*$/s.test(field));
  const id = elementAt(document, '_id');
  if (fields.length === 0 || !id) return;
  const update = {
    q: { _id: decodeValue(id) },
    u: [{ $set: new Map(fields.map((field) => [field, zero])) }],
  };
  await connection.command(place.database, {
    update: place.name,
    updates: [update],
    bypassDocumentValidation: true,
  });
};

/** Most have no such bytes, and need not be taken apart. */
const mayHaveZeros = (document: Uint8Array): boolean => bufferOf(document).includes(endOfNameAndZero);

const endOfNameAndZero = Buffer.alloc(1 + 8);

/** The names of those at the top; the one in _id is never set. */
const zerosOf = (document: Uint8Array): string[] =>
  [...elementsOf(document)]
    .filter(({ type, name }) => type === bsonType.timestamp && name !== '_id')
    .filter(({ value }) => value.every((byte) => byte === 0))
    .map(({ name }) => name);
