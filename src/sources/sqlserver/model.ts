// 02-contents.json: a database as its catalogue describes it. All T-SQL of a definition is made from this, for the files that
// an administrator feeds to sqlcmd as for a restore by Holdfast.
import { z } from 'zod';

const qualified = { schema: z.string(), name: z.string() };

/** A type with what belongs to it; `schema` is there when it is a type of the users' own. */
const typeUse = z.strictObject({
  schema: z.string().optional(),
  name: z.string(),
  /** The server's own type beneath: 'nvarchar'. */
  base: z.string(),
  /** Bytes; -1 for (max). */
  maxLength: z.number().int(),
  precision: z.number().int(),
  scale: z.number().int(),
});

const column = z.strictObject({
  id: z.number().int(),
  name: z.string(),
  type: typeUse,
  collation: z.string().optional(),
  nullable: z.boolean(),
  rowGuid: z.boolean().optional(),
  sparse: z.boolean().optional(),
  /** Numbers as text: they may be larger than a double holds. `last` is absent when no row was ever inserted. */
  identity: z
    .strictObject({ seed: z.string(), increment: z.string(), last: z.string().optional() })
    .optional(),
  computed: z.strictObject({ definition: z.string(), persisted: z.boolean() }).optional(),
  default: z.strictObject({ name: z.string(), definition: z.string() }).optional(),
  /** Of a temporal table: where the period begins or ends. */
  period: z.enum(['start', 'end']).optional(),
  /** Left out of SELECT *. */
  hidden: z.boolean().optional(),
  /** By clients, with keys that the server has not: its values cannot be read here. */
  encrypted: z.boolean().optional(),
});

const indexColumn = z.strictObject({ name: z.string(), descending: z.boolean() });

const index = z.strictObject({
  name: z.string(),
  /** Keys are constraints; a columnstore has no key. */
  kind: z.enum(['primary key', 'unique', 'index', 'columnstore']),
  clustered: z.boolean(),
  unique: z.boolean(),
  columns: z.array(indexColumn),
  included: z.array(z.string()),
  filter: z.string().optional(),
  fillFactor: z.number().int().optional(),
  ignoreDuplicates: z.boolean().optional(),
  disabled: z.boolean().optional(),
  compression: z.enum(['ROW', 'PAGE', 'COLUMNSTORE_ARCHIVE']).optional(),
});

const check = z.strictObject({
  name: z.string(),
  definition: z.string(),
  disabled: z.boolean().optional(),
  /** Not every row was checked; it is made so again. */
  notTrusted: z.boolean().optional(),
});

const actions = ['NO ACTION', 'CASCADE', 'SET NULL', 'SET DEFAULT'] as const;

const foreignKey = z.strictObject({
  name: z.string(),
  columns: z.array(z.string()),
  references: z.strictObject({ ...qualified, columns: z.array(z.string()) }),
  onDelete: z.enum(actions),
  onUpdate: z.enum(actions),
  disabled: z.boolean().optional(),
  notTrusted: z.boolean().optional(),
});

const table = z.strictObject({
  ...qualified,
  columns: z.array(column),
  indexes: z.array(index),
  checks: z.array(check),
  foreignKeys: z.array(foreignKey),
  /** The table that keeps the old rows of this temporal one. */
  history: z
    .strictObject({
      ...qualified,
      /** How long they stay: '6 MONTH'; absent for ever. */
      retention: z.string().optional(),
    })
    .optional(),
  /** Of a table without clustered index. */
  compression: z.enum(['ROW', 'PAGE']).optional(),
  /** Whether its rows are in the backup. */
  rows: z.boolean(),
});

const moduleKinds = ['function', 'view', 'procedure', 'trigger', 'database trigger'] as const;

const module = z.strictObject({
  ...qualified,
  kind: z.enum(moduleKinds),
  definition: z.string(),
  ansiNulls: z.boolean(),
  quotedIdentifier: z.boolean(),
  /** What a trigger is on. */
  parent: z.strictObject(qualified).optional(),
  /** Of a view that is kept as rows. */
  indexes: z.array(index).optional(),
  disabled: z.boolean().optional(),
});

const sequence = z.strictObject({
  ...qualified,
  type: typeUse,
  start: z.string(),
  increment: z.string(),
  minimum: z.string(),
  maximum: z.string(),
  cycle: z.boolean(),
  /** -1 for a cache of the server's choice, 0 for none. */
  cache: z.number().int(),
  /** The value that was given last, or will be given first. */
  current: z.string(),
  used: z.boolean(),
});

/** What a property or a permission is about. */
const subject = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('database') }),
  z.strictObject({ of: z.literal('schema'), name: z.string() }),
  z.strictObject({ of: z.literal('object'), kind: z.string(), ...qualified }),
  z.strictObject({ of: z.literal('column'), kind: z.string(), ...qualified, column: z.string() }),
  z.strictObject({
    of: z.literal('part'),
    kind: z.string(),
    part: z.string(),
    parent: z.string(),
    ...qualified,
  }),
  z.strictObject({ of: z.literal('type'), ...qualified }),
]);

export const contentsSchema = z.strictObject({
  contents: z.literal(1),
  engine: z.literal('sqlserver'),
  version: z.string(),
  database: z.strictObject({
    name: z.string(),
    collation: z.string().optional(),
    compatibility: z.number().int().optional(),
    snapshotIsolation: z.boolean(),
    readCommittedSnapshot: z.boolean(),
    recovery: z.string().optional(),
  }),
  schemas: z.array(z.strictObject({ name: z.string(), owner: z.string().optional() })),
  roles: z.array(
    z.strictObject({ name: z.string(), owner: z.string().optional(), members: z.array(z.string()) }),
  ),
  users: z.array(
    z.strictObject({ name: z.string(), login: z.string().optional(), defaultSchema: z.string().optional() }),
  ),
  types: z.array(z.strictObject({ ...qualified, base: typeUse, nullable: z.boolean() })),
  tableTypes: z.array(
    z.strictObject({
      ...qualified,
      columns: z.array(column),
      indexes: z.array(index),
      checks: z.array(check),
    }),
  ),
  sequences: z.array(sequence),
  synonyms: z.array(z.strictObject({ ...qualified, target: z.string() })),
  tables: z.array(table),
  modules: z.array(module),
  properties: z.array(z.strictObject({ subject, name: z.string(), value: z.string() })),
  permissions: z.array(
    z.strictObject({
      subject,
      permission: z.string(),
      state: z.enum(['GRANT', 'GRANT WITH GRANT OPTION', 'DENY', 'REVOKE']),
      grantee: z.string(),
    }),
  ),
  /** What the database has and these files have not, each with the reason. */
  notKept: z.array(z.strictObject({ what: z.string(), reason: z.string() })),
});

export type Contents = z.infer<typeof contentsSchema>;
export type Table = Contents['tables'][number];
export type Column = Table['columns'][number];
export type Index = Table['indexes'][number];
export type Check = Table['checks'][number];
export type ForeignKey = Table['foreignKeys'][number];
export type Module = Contents['modules'][number];
export type Sequence = Contents['sequences'][number];
export type Property = Contents['properties'][number];
export type Permission = Contents['permissions'][number];
export type Subject = z.infer<typeof subject>;
export type TypeUse = z.infer<typeof typeUse>;
export const foreignKeyActions = actions;

export const parseContents = (text: string): Contents => contentsSchema.parse(JSON.parse(text));
