// A backup back into a server: all of it, one database, or some tables.
import {
  assertNamedTargetIsFree,
  assertTargetsAreFree,
  hadNoDatabase,
  nothingToRestore,
} from '../free-targets.ts';
import { parsedFile } from '../needed-file.ts';
import { goalFor, isWholeServer, parseSelection } from '../restore-goal.ts';
import { bytesOf, Reporter, textOf } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import { EntryStream } from './entry-stream.ts';
import { type Goal, type Selection, tablePlaces } from './restore-goal.ts';
import { restoreParts } from './restore-parts.ts';
import { restoreUsers } from './restore-users.ts';
import { restoreWhole } from './restore-whole.ts';
import { parseServerContents } from './server-contents.ts';
import type { SourceRequest } from './survey.ts';
import { openTargetServer, type TargetServer } from './target-server.ts';

/** What the restore of each database shares. */
export interface Restoring extends SourceRequest {
  readonly target: TargetServer;
  readonly into: RestoreTarget;
  readonly selection: Selection;
  readonly reporter: Reporter;
  readonly stream: EntryStream;
}

export const restoreServer = async (
  request: SourceRequest,
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
  let hasUsers = false;
  let restoreGrants = async (): Promise<void> => {};
  for (let entry = await stream.peek(); entry; entry = await stream.peek()) {
    const { place, path, content } = entry;
    if (place.kind === 'server') {
      stream.skip();
      const { databases } = parsedFile(path, await textOf(path, content), parseServerContents);
      isEmpty = databases.length === 0;
      await assertTargetsAreFree(restoring, databases);
    } else if (place.kind === 'users') {
      stream.skip();
      hasUsers = true;
      if (isWholeServer(restoring))
        restoreGrants = await restoreUsers(restoring, await bytesOf(path, content));
    } else {
      const goal = goalFor(restoring, place.database, goals.values());
      goals.set(place.database, goal);
      if (goal.parts === 'everything') await restoreWhole(restoring, goal);
      else await restoreParts(restoring, goal, goal.parts);
    }
  }
  await restoreGrants();
  if (isEmpty) restoring.reporter.warn(hadNoDatabase(hasUsers ? ' but its users' : ''));
  else if (goals.size === 0) throw nothingToRestore();
};
