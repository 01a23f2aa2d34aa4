// A backup back into a server: all of it, one database, or some tables.
import { HoldfastError } from '#lib/errors.ts';
import { bytesOf, Reporter } from '../restore-report.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import { EntryStream } from './entry-stream.ts';
import { type Goal, goalFor, parseSelection, type Selection } from './restore-goal.ts';
import { restoreParts } from './restore-parts.ts';
import { restoreUsers } from './restore-users.ts';
import { restoreWhole } from './restore-whole.ts';
import { parseServerContents } from './server-contents.ts';
import type { ConnectionSettings } from './settings.ts';
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
  const selection = parseSelection(into.selection);
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

/** Before anything is read. */
const assertNamedTargetIsFree = async ({
  config,
  settings,
  target,
  into,
  selection,
}: Restoring): Promise<void> => {
  const named = config.databases === undefined ? settings.database : undefined;
  if (named === undefined || into.force || selection !== 'everything') return;
  if ((await target.stateOf(named)) === 'used') throw notEmpty(named, settings);
};

const restoreAll = async (restoring: Restoring): Promise<void> => {
  const { stream } = restoring;
  const goals = new Map<string, Goal>();
  let isEmpty = false;
  for (let entry = await stream.peek(); entry; entry = await stream.peek()) {
    const { place, path, content } = entry;
    if (place.kind === 'server') {
      stream.skip();
      const { databases } = parseServerContents((await bytesOf(path, content)).toString());
      isEmpty = databases.length === 0;
      await assertTargetsAreFree(restoring, databases);
    } else if (place.kind === 'users') {
      stream.skip();
      if (isWholeServer(restoring)) await restoreUsers(restoring, await bytesOf(path, content));
    } else {
      const goal = goalFor(restoring, place.database, [...goals.values()]);
      goals.set(place.database, goal);
      if (goal.parts === 'everything') await restoreWhole(restoring, goal);
      else await restoreParts(restoring, goal, goal.parts);
    }
  }
  if (goals.size === 0 && !isEmpty)
    throw new HoldfastError('TARGET_FAILED', 'the snapshot holds no database', {
      hint: 'name a path that it has: holdfast ls',
    });
};

/** Everything, under the databases' own names: then users belong to it. */
const isWholeServer = ({ config, settings, selection }: Restoring): boolean =>
  selection === 'everything' && (settings.database === undefined || config.databases !== undefined);

const assertTargetsAreFree = async (restoring: Restoring, databases: readonly string[]): Promise<void> => {
  const { into, target, settings } = restoring;
  assertRenamesFit(restoring, databases);
  if (into.force || !isWholeServer(restoring)) return;
  for (const database of databases) {
    const { name } = goalFor(restoring, database, []);
    if ((await target.stateOf(name)) === 'used') throw notEmpty(name, settings);
  }
};

const assertRenamesFit = ({ into, selection }: Restoring, databases: readonly string[]): void => {
  if (selection !== 'everything') return; // tables are looked for when their list has come
  for (const [from] of into.rename)
    if (!databases.includes(from))
      throw new HoldfastError('USAGE', `there is no database ${from} to rename`, {
        hint: `the snapshot has ${databases.join(', ')}; tables are renamed when they are restored by themselves`,
      });
};

export const notEmpty = (database: string, { server }: ConnectionSettings): HoldfastError =>
  new HoldfastError('TARGET_NOT_EMPTY', `database ${database} on ${server} is not empty`, {
    hint: 'name another database, or say --force to replace it with the one of the snapshot',
  });
