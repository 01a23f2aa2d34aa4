// What is in the documents of a snapshot.
import type { Content } from '../source.ts';
import type { RowShape, TableReader } from '../table-reader.ts';
import { elementsOf, relaxedJson } from './bson.ts';
import { batchesOf } from './documents.ts';

const shape: RowShape = {
  key: ['_id'],
  valuesOf: (document) =>
    new Map([...elementsOf(document)].map((element) => [element.name, relaxedJson(element)])),
};

export const tableReader: TableReader = {
  definitions: [],
  shapes: () => () => shape,
  isPlain: false,
  async *split(content: Content) {
    for await (const { documents } of batchesOf(content, { bytes: 1024 * 1024, documents: 1000 }))
      yield documents;
  },
};
