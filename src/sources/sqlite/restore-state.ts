// What a restore knows while entries come.
import { HoldfastError } from '#lib/errors.ts';
import type { RowCount } from '#lib/row-checksum.ts';
import { type Manifest, manifestName } from '../manifest.ts';
import type { RestoreTarget } from '../source.ts';
import { createFile, finishFile, type Place } from './layout.ts';
import type { Schema, Table } from './schema.ts';
import type { Scratch } from './scratch.ts';
import type { Target } from './target.ts';

/** What a restore has gathered so far. */
export interface Restore {
  readonly target: Target;
  readonly scratch: Scratch;
  readonly into: RestoreTarget;
  readonly signal: AbortSignal;
  /** By their names in the target. */
  readonly loaded: Map<string, LoadedTable>;
  readonly failures: { readonly path: string; readonly error: Error }[];
  tables?: Tables;
  finish?: string;
  manifest?: Manifest;
}

/** What create.sql says, once it has come. */
interface Tables {
  /** With the names of the target. */
  readonly schema: Schema;
  /** With the names of the snapshot. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface LoadedTable {
  readonly table: Table;
  readonly nameInSnapshot: string;
  readonly path: string;
  readonly count: RowCount;
}

export const incomplete = (file: string): HoldfastError =>
  new HoldfastError('TARGET_FAILED', `the snapshot’s ${file} did not come`, {
    hint: `besides the tables wanted, a restore needs ${createFile}, ${finishFile} and ${manifestName}`,
  });
