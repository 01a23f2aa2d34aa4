// Where Dataverse keeps files, and the query that lists them (https://guides.dataverse.org: storageidentifier of dvobject).

/**
 * All files of the installation itself. Of tabular files the original is listed: what was uploaded, and what the checksum is of, while
 * the size is that of what was made from it. Older versions keep authority and identifier in dataset, newer ones in dvobject.
 */
export const dataverseQuery = `
select coalesce(to_jsonb(d)->>'authority', to_jsonb(s)->>'authority') as authority,
    coalesce(to_jsonb(d)->>'identifier', to_jsonb(s)->>'identifier') as dataset,
    o.storageidentifier as storage_identifier, t.datafile_id is not null as tabular,
    case when t.datafile_id is null then f.filesize end as size,
    f.checksumtype as checksum_type, f.checksumvalue as checksum, o.createdate as created
  from datafile f
    join dvobject o on o.id = f.id
    join dvobject d on d.id = o.owner_id
    join dataset s on s.id = o.owner_id
    left join (select distinct datafile_id from datatable) t on t.datafile_id = f.id
  where s.harvestingclient_id is null`;

export interface DataverseFile {
  readonly authority: string;
  readonly dataset: string;
  readonly storageIdentifier: string;
  readonly tabular: boolean;
}

export interface DataverseLocation {
  /** The storage driver: 'file', 's3', or a name that the installation gave it. */
  readonly place: string;
  readonly bucket?: string;
  readonly path: string;
}

/** From 'file://18a2-b3', 's3://bucket:18a2-b3' or '18a2-b3': the driver, and the file below the folders of its dataset. */
export const locate = ({
  authority,
  dataset,
  storageIdentifier,
  tabular,
}: DataverseFile): DataverseLocation => {
  const [, place = 'file', rest = ''] = /^(?:([A-Za-z0-9_-]+):\/\/)?(.*)$/s.exec(storageIdentifier) ?? [];
  const colon = rest.lastIndexOf(':');
  return {
    place,
    ...(colon > 0 && { bucket: rest.slice(0, colon) }),
    path: `${authority}/${dataset}/${rest.slice(colon + 1)}${tabular ? '.orig' : ''}`,
  };
};
