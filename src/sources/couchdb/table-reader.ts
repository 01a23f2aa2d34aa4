// What is in the documents of a snapshot: a leaf revision a line.
import { splitLines } from '#lib/split-lines.ts';
import { documentColumns } from '../document-values.ts';
import type { RowShape, RowValues, TableReader } from '../table-reader.ts';
import { eachMember, isKey, type Range, valueAt } from './json-scan.ts';

export const tableReader: TableReader = {
  definitions: [],
  shapes: () => () => shape,
  isPlain: false,
  ownFields: ['_deleted', '_attachments'],
  split: splitLines,
};

/** But for `_revisions`, which `_rev` sums up. */
const valuesOf = (leaf: Buffer): RowValues => {
  const values = new Map<string, string>();
  eachMember(leaf, 0, (key, value) => {
    if (!isKey(leaf, key, '_revisions')) values.set(`${valueAt(leaf, key)}`, textAt(leaf, value));
  });
  return values;
};

const textAt = (bytes: Buffer, { start, end }: Range): string => bytes.toString('utf8', start, end);

/** A document with conflicts has several revisions of its id. */
const shape: RowShape = {
  key: ['_id'],
  valuesOf,
  ...documentColumns(valuesOf, (leaf) => leaf.toString('utf8')),
};
