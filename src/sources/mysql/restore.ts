// A backup back into a server: all of it, one database, or some tables.
import { HoldfastError } from '#lib/errors.ts';
import { restoreDatabases } from '../restore-databases.ts';
import { parseSelection } from '../restore-goal.ts';
import { bytesOf, Reporter } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import { EntryStream } from './entry-stream.ts';
import { type Goal, type Selection, tablePlaces } from './restore-goal.ts';
import { restoreParts } from './restore-parts.ts';
import { makeLeftPrograms, type Unmade } from './restore-programs.ts';
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
  /** Programs of the databases restored so far that could not be made yet. */
  readonly unmade: Unmade[];
}

/** `lockWaitSeconds` as `openTargetServer` has it. */
export const restoreServer = async (
  request: SourceRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
  lockWaitSeconds?: number,
): Promise<RestoreReport> => {
  await using target = await openTargetServer(request.settings, request.context, lockWaitSeconds);
  const restoring: Restoring = {
    ...request,
    target,
    into,
    selection: parseSelection(into.selection, tablePlaces),
    reporter: new Reporter(into),
    stream: new EntryStream(entries),
    unmade: [],
  };
  const taken = new Map<string, string>();
  const here = (goal: Goal): Goal => {
    const name = target.nameHere(goal.name);
    const rival = taken.get(name) ?? goal.database;
    taken.set(name, rival);
    if (rival === goal.database) return { ...goal, name };
    throw new HoldfastError(
      'TARGET_FAILED',
      `${rival} and ${goal.database} are one database on this server`,
      {
        hint: `restore ${goal.database} under another name`,
      },
    );
  };
  let restoreGrants: (() => Promise<void>) | undefined;
  return await restoreDatabases(restoring, {
    databasesIn: (text) => parseServerContents(text).databases,
    restoreWhole: (goal) => restoreWhole(restoring, here(goal)),
    restoreParts: (goal, parts) => restoreParts(restoring, here(goal), parts),
    others: {
      name: 'users',
      restore: async ({ path, content }) => {
        restoreGrants = await restoreUsers(restoring, await bytesOf(path, content));
      },
    },
    finish: async () => {
      await makeLeftPrograms(restoring, restoring.unmade);
      await restoreGrants?.();
    },
  });
};
