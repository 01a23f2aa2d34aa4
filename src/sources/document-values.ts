// Documents as SQL sees them: any field is a column, and the whole is one more.
import type { RowShape, SqlValue } from './table-reader.ts';

/** The column that has the whole of each document, as JSON. */
const wholeDocument = 'document';

/** The SQL half of a document's shape, given its JSON. */
export const documentColumns = (
  valuesOf: RowShape['valuesOf'],
  jsonOf: (document: Buffer) => string,
): Pick<RowShape, 'columns' | 'sqlReader'> => ({
  columns: [
    { name: '_id', type: '' },
    { name: wholeDocument, type: 'TEXT' },
  ],
  sqlReader(wanted) {
    const fields = wanted.some((name) => name !== wholeDocument);
    return (document) => {
      const values = fields ? valuesOf(document) : undefined;
      return wanted.map((name) => {
        if (name === wholeDocument) return jsonOf(document);
        return valueOfJson(values?.get(name) ?? 'null');
      });
    };
  },
});

/** A number, a text, 1 or 0 for true and false; a list or an object stays JSON. Of MongoDB's own types what people write. */
const valueOfJson = (json: string): SqlValue => {
  if (/^-?\d+$/.test(json)) return withinInt64(BigInt(json));
  const value: unknown = JSON.parse(json);
  if (typeof value === 'string' || typeof value === 'number' || value === null) return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return extended(value) ?? json;
};

const withinInt64 = (value: bigint): SqlValue => (BigInt.asIntN(64, value) === value ? value : Number(value));

/** https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md */
const extended = (value: unknown): SqlValue | undefined => {
  const entries = Object.entries(value ?? {});
  const [name = '', inner] = entries[0] ?? [];
  if (entries.length !== 1 || !plainTypes.has(name)) return undefined;
  if (name === '$date') return dateText(inner);
  if (typeof inner !== 'string') return undefined;
  return numberTypes.has(name) ? numberOr(inner) : inner;
};

/** All with milliseconds: as text, '…:03Z' would come after '…:03.5Z'. Before 1970 and after 9999 it is `{"$numberLong": …}`. */
const dateText = (inner: unknown): SqlValue | undefined => {
  const long = typeof inner === 'object' && inner !== null && '$numberLong' in inner && inner.$numberLong;
  const time = new Date(long ? Number(long) : `${inner}`);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
};

/** SQLite has no NaN. */
const numberOr = (text: string): SqlValue => (Number.isNaN(Number(text)) ? text : Number(text));

const numberTypes: ReadonlySet<string> = new Set(['$numberDecimal', '$numberDouble']);

const plainTypes: ReadonlySet<string> = new Set(['$oid', '$date', '$uuid', ...numberTypes]);
