// Files that a query lists: its columns, by their names, tell where each is and what must be in it.
import { posix } from 'node:path';
import { z } from 'zod';
import type { JobConfig } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { QueryRow } from '#sources/query-reader.ts';
import { checksumTypes, parseChecksum } from './checksum.ts';
import { dataverseQuery, locate } from './dataverse.ts';
import type { ListedFile } from './listed-file.ts';

const text = z.string().min(1);
const optional = <Type extends z.ZodType>(type: Type) =>
  type.nullish().transform((value) => value ?? undefined);

const row = z.object({
  path: optional(text),
  place: optional(text),
  read_path: optional(text),
  authority: optional(text),
  dataset: optional(text),
  storage_identifier: optional(text),
  tabular: optional(z.boolean()),
  size: optional(z.coerce.number().int().min(0)),
  checksum_type: optional(text),
  checksum: optional(text),
  created: optional(z.coerce.string()),
});

type MirrorJob = Extract<JobConfig, { readonly verb: 'mirror' }>;

const presets: Readonly<Record<'dataverse', string>> = { dataverse: dataverseQuery };

/** The text of the query that a job has, or names. */
export const queryOf = ({ query, preset }: NonNullable<MirrorJob['listedBy']>): string =>
  query ?? presets[preset ?? 'dataverse'];

type Row = z.output<typeof row>;

const columns = Object.keys(row.shape);
const pathColumns = ['path', 'storage_identifier'];

/** The files of some rows; one that makes no sense is a file with a flaw. Throws when the query is not one of files at all. */
export const filesOfRows = (rows: readonly QueryRow[]): ListedFile[] => {
  const [first] = rows;
  if (first) checkColumns(Object.keys(first));
  return rows.map(fileOf);
};

const checkColumns = (found: readonly string[]): void => {
  const unknown = found.find((name) => !columns.includes(name));
  const hint = `columns are ${columns.join(', ')}: name them with "as"`;
  if (unknown !== undefined)
    throw new HoldfastError('CONFIG_INVALID', `the query has a column ${unknown}, which says nothing`, {
      hint,
    });
  if (!pathColumns.some((name) => found.includes(name)))
    throw new HoldfastError('CONFIG_INVALID', 'the query has no column path', { hint });
};

const fileOf = (found: QueryRow): ListedFile => {
  const parsed = row.safeParse(found);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return flawed(found, `${issue?.path.join('.') ?? 'a column'}: ${issue?.message ?? 'makes no sense'}`);
  }
  const { checksum: value, checksum_type: type, size, created } = parsed.data;
  const place = placeOf(parsed.data);
  if (place === undefined) return flawed(found, 'it has no path');
  const checksum = type !== undefined && value !== undefined ? parseChecksum(type, value) : undefined;
  if (checksum === undefined && (type ?? value) !== undefined)
    return {
      ...place,
      created,
      flaw: wrong(
        `its checksum is ${type ?? 'of no type'} ${value ?? 'without a value'}`,
        `checksums are ${checksumTypes.join(', ')}, in hexadecimal digits`,
      ),
    };
  return { ...place, sizeBytes: size, checksum, created };
};

type Place = Pick<ListedFile, 'path' | 'place' | 'key' | 'bucket' | 'dataset' | 'storage'>;

const placeOf = ({ path, place, read_path, authority, dataset, ...rest }: Row): Place | undefined => {
  const { storage_identifier: storage, tabular = false } = rest;
  if (path !== undefined)
    return {
      path,
      place: place ?? '',
      key: read_path ?? path,
      dataset: dataset ?? posix.dirname(path),
      storage: storage ?? path,
    };
  if (authority === undefined || dataset === undefined || storage === undefined) return undefined;
  const location = locate({ authority, dataset, storageIdentifier: storage, tabular });
  return {
    path: location.path,
    place: place ?? location.place,
    key: read_path ?? location.path,
    bucket: location.bucket,
    dataset: `${authority}/${dataset}`,
    storage,
  };
};

/** Named by the text of the row, since none of its paths can be trusted. */
const flawed = (found: QueryRow, why: string): ListedFile => {
  const path = typeof found.path === 'string' ? found.path : JSON.stringify(found);
  return {
    path,
    place: '',
    key: path,
    dataset: '',
    storage: path,
    flaw: wrong(why, 'see what the query gives'),
  };
};

const wrong = (why: string, hint: string): HoldfastError =>
  new HoldfastError('ITEM_UNREADABLE', `its row makes no sense: ${why}`, { hint });
