// What is in the documents of a snapshot.
import { documentColumns } from '../document-values.ts';
import type { Content } from '../source.ts';
import type { RowShape, RowValues, TableReader } from '../table-reader.ts';
import { elementsOf, relaxedDocument, relaxedJson } from './bson.ts';
import { batchesOf } from './documents.ts';

const valuesOf = (document: Buffer): RowValues =>
  new Map([...elementsOf(document)].map((element) => [element.name, relaxedJson(element)]));

const shape: RowShape = { key: ['_id'], valuesOf, ...documentColumns(valuesOf, relaxedDocument) };

export const tableReader: TableReader = {
  definitions: [],
  shapes: () => () => shape,
  isPlain: false,
  async *split(content: Content) {
    for await (const { documents } of batchesOf(content, { bytes: 1024 * 1024, documents: 1000 }))
      yield documents;
  },
};
