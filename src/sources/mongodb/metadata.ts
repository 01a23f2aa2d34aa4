// <collection>.metadata.json, as mongodump writes it (mongodump/metadata_dump.go).
import { canonicalJson, emptyDocument } from './bson.ts';
import type { ChosenCollection } from './choice.ts';

export const metadataJson = ({ collection, indexes }: ChosenCollection): string => {
  const { name, type, uuid, options } = collection;
  const fields = [
    ...(options.length > emptyDocument.length ? [`"options":${canonicalJson(options)}`] : []),
    `"indexes":[${indexes.map(canonicalJson).join(',')}]`,
    ...(uuid === '' ? [] : [`"uuid":"${uuid}"`]),
    `"collectionName":${JSON.stringify(name)}`,
    `"type":"${type}"`,
  ];
  return `{${fields.join(',')}}`;
};
