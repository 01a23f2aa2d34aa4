// 02-contents.json: what a restore must know of a database before rows come, and psql cannot tell it.
import { z } from 'zod';
import type { Choice } from './choice.ts';
import { plainName } from './identifiers.ts';
import type { Table } from './listing.ts';
import type { Range } from './ranges.ts';

const name = { schema: z.string(), name: z.string() };

const contentsSchema = z.strictObject({
  contents: z.literal(1),
  database: z.string(),
  /** Of the rows in the files. */
  encoding: z.string(),
  /** As the database itself has it set, where it has. */
  searchPath: z.string().optional(),
  /** Who must exist for owners and privileges. */
  roles: z.array(z.string()),
  tables: z.array(
    z.strictObject({
      ...name,
      kind: z.enum(['table', 'partitioned', 'foreign']),
      /** In the order in which the files have them. */
      columns: z.array(z.string()),
      /** How many files its rows are in. */
      files: z.number().int().nonnegative(),
      parents: z.array(z.strictObject(name)),
      /** The partitioned table above it that must take its rows, since their hash may mean another partition elsewhere. */
      through: z.strictObject(name).optional(),
    }),
  ),
  sequences: z.array(
    z.strictObject({
      ...name,
      lastValue: z.string().regex(/^-?\d+$/),
      isCalled: z.boolean(),
      owner: z.strictObject(name).nullable(),
    }),
  ),
  /** The numbers of the files with large objects. */
  largeObjects: z.array(z.number().int().nonnegative()),
});

export type Contents = z.infer<typeof contentsSchema>;
export type ContentsTable = Contents['tables'][number];
export type SequenceValue = Contents['sequences'][number];

export const parseContents = (text: string): Contents => contentsSchema.parse(JSON.parse(text));

export interface ContentsInput {
  readonly database: string;
  readonly encoding: string;
  readonly searchPath: string | undefined;
  readonly roles: readonly string[];
  readonly choice: Choice;
  readonly ranges: ReadonlyMap<string, readonly Range[]>;
  readonly sequences: readonly SequenceValue[];
  readonly largeObjects: readonly number[];
}

export const makeContents = (input: ContentsInput): Contents => {
  const partitioned = new Map(
    input.choice.tables
      .filter(({ kind }) => kind === 'partitioned')
      .map((table) => [plainName(table), table] as const),
  );
  return {
    contents: 1,
    database: input.database,
    encoding: input.encoding,
    ...(input.searchPath !== undefined && { searchPath: input.searchPath }),
    roles: [...input.roles],
    tables: input.choice.tables.map((table) => {
      const root = rootOf(table, partitioned);
      return {
        schema: table.schema,
        name: table.name,
        kind: table.kind,
        columns: [...table.columns],
        files: input.ranges.get(plainName(table))?.length ?? 0,
        parents: [...table.parents],
        ...(root && { through: { schema: root.schema, name: root.name } }),
      };
    }),
    sequences: [...input.sequences],
    largeObjects: [...input.largeObjects],
  };
};

/** The uppermost partitioned table, where one on the way hashes enums: by their numbers, which are others in another database. */
const rootOf = (table: Table, partitioned: ReadonlyMap<string, Table>): Table | undefined => {
  let root: Table | undefined;
  let hashes = false;
  const above = ({ parents: [parent] }: Table): Table | undefined =>
    parent && partitioned.get(plainName(parent));
  for (let each = above(table); each; each = above(each)) {
    root = each;
    hashes ||= each.hashesEnums;
  }
  return hashes ? root : undefined;
};
