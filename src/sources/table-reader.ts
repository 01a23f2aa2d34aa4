// An ability of some kinds: to tell what is in the rows that they dumped, without a source.
import type { Content } from './source.ts';

/** What a row has in each column, as text in the engine's own form; null for NULL. */
export type RowValues = ReadonlyMap<string, string | null>;

/** A value as SQLite has it. Numbers may come as text, with all their digits: the type of their column makes numbers of them. */
export type SqlValue = string | bigint | number | Uint8Array | null;

export interface SqlColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** What SQLite makes of a column's values (https://www.sqlite.org/datatype3.html#type_affinity); '' leaves each as it is. */
export type SqlType = 'INTEGER' | 'REAL' | 'NUMERIC' | 'TEXT' | 'BLOB' | '';

export interface RowShape {
  /** The columns by which a row is told from all others of its table; none where no such columns are known. */
  readonly key: readonly string[];
  valuesOf(row: Buffer): RowValues;
  /** What SQL sees of a row; of a document its id and the whole, as JSON. */
  readonly columns: readonly SqlColumn[];
  /** Columns in which, though the reader is plain, letters and digits do not stand as they are: the row has them in UTF-16. */
  readonly spelledOtherwise?: ReadonlySet<string>;
  /** What reads the values of these columns, in this order. Of a document, any field is a column. */
  sqlReader(columns: readonly string[]): (row: Buffer) => SqlValue[];
}

/** None where the rows lack a column of it, as one that is generated: the others alone tell no row from another. */
export const keyWithin = (key: readonly string[], columns: readonly string[]): readonly string[] =>
  key.every((name) => columns.includes(name)) ? key : [];

export interface TableReader {
  /** The files of a database's folder that say what its tables are; the first has the types of their columns. */
  readonly definitions: readonly string[];
  /** Finds a table by the name that a manifest has for it; undefined for one that the files, by their names, do not define. */
  shapes(files: ReadonlyMap<string, Buffer>): (table: string) => RowShape | undefined;
  /** Every row has the columns of its table, and letters and digits of its values stand in it as they are. */
  readonly isPlain: boolean;
  /** Fields that the engine itself gives to some documents: a table without any that has them is nothing odd. */
  readonly ownFields?: readonly string[];
  /** The rows of one of a table's files, some at once; each is valid until the next are asked for. */
  split(content: Content): AsyncIterable<readonly Uint8Array[]>;
}
