// A backup back into a server: all of it, one database, or some tables.
import { z } from 'zod';
import type { Context } from '#lib/kind.ts';
import {
  assertNamedTargetIsFree,
  assertTargetsAreFree,
  hadNoDatabase,
  nothingToRestore,
} from '../free-targets.ts';
import { parsedFile } from '../needed-file.ts';
import { goalFor, parseSelection } from '../restore-goal.ts';
import { Reporter, textOf } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import type { ConnectionSettings, SqlServerConfig } from './config.ts';
import { EntryStream } from './entry-stream.ts';
import { type Goal, type Selection, tablePlaces } from './restore-goal.ts';
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
const parseServer = (text: string): z.infer<typeof serverSchema> => serverSchema.parse(JSON.parse(text));

export const restoreServer = async (
  request: RestoreRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  await using target = await openTargetServer(request.settings, request.context.signal);
  const reporter = new Reporter(into);
  const selection = parseSelection(into.selection, tablePlaces);
  const stream = new EntryStream(entries);
  const restoring: Restoring = { ...request, target, into, selection, reporter, stream };
  try {
    await assertNamedTargetIsFree(restoring);
    await restoreAll(restoring);
  } finally {
    await stream.close();
  }
  return reporter.report();
};

const restoreAll = async (restoring: Restoring): Promise<void> => {
  const { stream } = restoring;
  const goals = new Map<string, Goal>();
  let isEmpty = false;
  for (let entry = await stream.peek(); entry; entry = await stream.peek()) {
    const { place, path, content } = entry;
    if (place.kind === 'server') {
      stream.skip();
      const { databases } = parsedFile(path, await textOf(path, content), parseServer);
      isEmpty = databases.length === 0;
      await assertTargetsAreFree(restoring, databases);
    } else {
      const goal = goalFor(restoring, place.database, goals.values());
      goals.set(place.database, goal);
      if (goal.parts === 'everything') await restoreWhole(restoring, goal);
      else await restoreParts(restoring, goal, goal.parts);
    }
  }
  if (isEmpty) restoring.reporter.warn(hadNoDatabase());
  else if (goals.size === 0) throw nothingToRestore();
};
