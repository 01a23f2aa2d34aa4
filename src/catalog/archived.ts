// What archive jobs have made, as far as the catalog remembers.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

/** What a run of an archive job put into a store. */
export interface ArchivedRun {
  readonly startedAt: Date;
  /** What the machine was called. */
  readonly host: string;
  /** Those that are whole there, with the bytes of their files. */
  readonly sources: readonly { readonly source: string; readonly bytes: number }[];
  /** The files of all its stores, by name; none of a run that is long ago. */
  readonly files: readonly string[];
}

export const archivedRuns = (database: DatabaseSync, job: string, store: string): ArchivedRun[] =>
  database
    .prepare(sql)
    .all(job, store)
    .map((row) => {
      const { started_ms, ...run } = shape.parse(row);
      return { startedAt: new Date(started_ms), ...run };
    });

const sql = `
  SELECT r.started_ms, r.host,
    (SELECT json_group_array(json_object('source', source, 'bytes', bytes)) FROM run_sources
      WHERE run = r.id AND repository = ?2 AND state = 'ok') AS sources,
    (SELECT json_group_array(item) FROM run_items WHERE run = r.id AND state = 'ok') AS files
  FROM runs r
  WHERE r.job = ?1 AND r.verb = 'archive'
    AND EXISTS (SELECT 1 FROM run_sources WHERE run = r.id AND repository = ?2 AND state = 'ok')`;

const json = <Value>(schema: z.ZodType<Value>) =>
  z.string().transform((text) => z.array(schema).parse(JSON.parse(text)));

const shape = z.object({
  started_ms: z.number(),
  host: z.string(),
  sources: json(z.object({ source: z.string(), bytes: z.number() })),
  files: json(z.string()),
});
