// manifest.json of a database in a snapshot: what was captured, so that `verify` and `drill` can hold the data against it.
import { z } from 'zod';
import { rowFormats } from '#lib/row-format.ts';

const table = z.strictObject({
  /** As the engine's users write it: 'public.orders', unquoted. */
  name: z.string(),
  /** Paths of its data, in order, relative to the folder of the manifest. */
  entries: z.array(z.string()),
  /** Folders that belong to it besides its rows, such as attachments; relative to the folder of the manifest. */
  beside: z.array(z.string()).optional(),
  /** How rows lie in its data. */
  format: z.enum(rowFormats),
  rows: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  /** Order-independent: see lib/row-checksum.ts. 32 hex digits. */
  checksum: z.string().regex(/^[0-9a-f]{32}$/),
});

/** One table to its users, whose rows lie in others. */
const partitioned = z.strictObject({
  name: z.string(),
  /** Where its data would lie, relative to the folder of the manifest: so a restore is told of it. */
  folder: z.string(),
  /** The tables that have its rows. */
  tables: z.array(z.string()),
});

export const manifestSchema = z.strictObject({
  manifest: z.literal(1),
  engine: z.string(),
  engineVersion: z.string(),
  database: z.string(),
  /** Where in the engine's history this state is (LSN, GTID, sequence, snapshot), by the engine's own names. */
  position: z.record(z.string(), z.string()),
  capturedAt: z.iso.datetime({ offset: true }),
  tables: z.array(table),
  partitioned: z.array(partitioned).optional(),
  /** Tables that are not in the snapshot although they were asked for, each with the reason. */
  missing: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestTable = Manifest['tables'][number];

/** The file's name in the database's folder. It sorts after `data/`, so the tables are read before it is made. */
export const manifestName = 'manifest.json';
