// A backup back into a server: all of it, one database, or some tables.
import type { Context } from '#lib/kind.ts';
import { restoreDatabases } from '../restore-databases.ts';
import { parseSelection } from '../restore-goal.ts';
import { Reporter, textOf } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { PostgresConfig } from './config.ts';
import { EntryStream } from './entry-stream.ts';
import { type Selection, tablePlaces } from './restore-goal.ts';
import { restoreParts } from './restore-parts.ts';
import { applyGlobals } from './restore-roles.ts';
import { restoreWhole } from './restore-whole.ts';
import { parseServerContents } from './server-contents.ts';
import type { ConnectionSettings } from './settings.ts';
import { openTargetServer, type TargetServer } from './target-server.ts';

export interface RestoreRequest {
  readonly config: PostgresConfig;
  readonly settings: ConnectionSettings;
  readonly context: Context;
  /** For roles that must be made because they are missing. */
  readonly roleComment?: string;
}

/** What the restore of each database shares. */
export interface Restoring extends RestoreRequest {
  readonly target: TargetServer;
  readonly into: RestoreTarget;
  readonly selection: Selection;
  readonly reporter: Reporter;
  readonly stream: EntryStream;
}

export const restoreServer = async (
  request: RestoreRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  await using target = await openTargetServer(request.settings, request.context);
  const restoring: Restoring = {
    ...request,
    target,
    into,
    selection: parseSelection(into.selection, tablePlaces),
    reporter: new Reporter(into),
    stream: new EntryStream(entries),
  };
  return await restoreDatabases(restoring, {
    databasesIn: (text) => parseServerContents(text).databases,
    restoreWhole: (goal) => restoreWhole(restoring, goal),
    restoreParts: (goal, parts) => restoreParts(restoring, goal, parts),
    others: {
      name: 'roles',
      restore: async ({ path, content }) =>
        await applyGlobals(target, await textOf(path, content), restoring.reporter),
    },
  });
};
