// The contract of sources that keep a table `datafilestatus` for others to look at, as the backup scripts of Dataverse did.
import type { Source } from './source.ts';

/** An ability of SQL databases. Asked for by presence. */
export interface FileStatusKeeper {
  /** Makes the table where it is missing. */
  openFileStatuses(): Promise<FileStatusTable>;
}

export interface FileStatusTable extends AsyncDisposable {
  /** Each row takes the place of the one of the same dataset and storage identifier. All of them together. */
  keep(rows: readonly FileStatusRow[]): Promise<void>;
}

export interface FileStatusRow {
  readonly dataset: string;
  readonly storage: string;
  readonly status: string;
  readonly created: string | undefined;
  readonly at: Date;
  /** How copies travel: 'sftp'. */
  readonly method: string;
}

export const fileStatusKeeperOf = (source: Source): (Source & FileStatusKeeper) | undefined =>
  'openFileStatuses' in source && typeof source.openFileStatuses === 'function'
    ? (source as Source & FileStatusKeeper)
    : undefined;
