// A backup back into a server: all of it, one database, or some tables.
import { z } from 'zod';
import type { Context } from '#lib/kind.ts';
import { restoreDatabases } from '../restore-databases.ts';
import { parseSelection } from '../restore-goal.ts';
import { Reporter } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { ConnectionSettings, SqlServerConfig } from './config.ts';
import { EntryStream } from './entry-stream.ts';
import { type Selection, tablePlaces } from './restore-goal.ts';
import { restoreParts } from './restore-parts.ts';
import { restoreWhole } from './restore-whole.ts';
import { openTargetServer, type TargetServer } from './target-server.ts';

export interface RestoreRequest {
  readonly config: SqlServerConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
}

/** What the restore of each database shares. */
export interface Restoring extends RestoreRequest {
  readonly target: TargetServer;
  readonly into: RestoreTarget;
  readonly selection: Selection;
  readonly reporter: Reporter;
  readonly stream: EntryStream;
}

const serverSchema = z.strictObject({
  server: z.literal(1),
  engine: z.literal('sqlserver'),
  version: z.string(),
  databases: z.array(z.string()),
});

export const restoreServer = async (
  request: RestoreRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  await using target = await openTargetServer(request.settings, request.context.signal);
  const restoring: Restoring = {
    ...request,
    target,
    into,
    selection: parseSelection(into.selection, tablePlaces),
    reporter: new Reporter(into),
    stream: new EntryStream(entries),
  };
  return await restoreDatabases(restoring, {
    databasesIn: (text) => serverSchema.parse(JSON.parse(text)).databases,
    restoreWhole: (goal) => restoreWhole(restoring, goal),
    restoreParts: (goal, parts) => restoreParts(restoring, goal, parts),
  });
};
