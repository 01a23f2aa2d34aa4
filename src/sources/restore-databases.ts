// A backup of a server back into one, file by file as they come: each database as a whole, or tables of it.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import {
  assertNamedTargetIsFree,
  assertTargetsAreFree,
  hadNoDatabase,
  nothingToRestore,
  type Restoring as Target,
} from './free-targets.ts';
import { parsedFile } from './needed-file.ts';
import type { PlacedEntries, PlacedEntry } from './placed-entries.ts';
import { type Goal, goalFor, isWholeServer, type Wanted } from './restore-goal.ts';
import { type Reporter, textOf } from './restore-report.ts';
import type { RestoreReport } from './source.ts';

/** Where a server's own file is, and the others: those of a database say which. */
interface AnyPlace {
  readonly kind: string;
  readonly database?: string;
}

interface Restoring<Parts, Place> extends Wanted<Parts> {
  readonly settings: Target['settings'];
  readonly into: Target['into'];
  readonly target: Target['target'];
  readonly stream: PlacedEntries<Place>;
  readonly reporter: Reporter;
}

/** How an engine does it. */
export interface RestoreSteps<Parts, Place> {
  /** The databases that the server's own file names, which is the first to come. */
  databasesIn(text: string): readonly string[];
  restoreWhole(goal: Goal<Parts>): Promise<void>;
  restoreParts(goal: Goal<Parts>, parts: Parts): Promise<void>;
  /** What belongs to the server and to no database, when all of it is restored: 'roles'. */
  readonly others?: { readonly name: string; restore(entry: PlacedEntry<Place>): Promise<void> };
  /** When everything has come. */
  finish?(): Promise<void>;
}

/**
 * Closes the stream. TARGET_NOT_EMPTY before anything is written; what an engine may leave out is in the report, and so is a database
 * that could not be restored where others could.
 */
export const restoreDatabases = async <Parts, Place extends AnyPlace>(
  restoring: Restoring<Parts, Place>,
  steps: RestoreSteps<Parts, Place>,
): Promise<RestoreReport> => {
  const { stream, reporter } = restoring;
  try {
    await assertNamedTargetIsFree(restoring);
    await restoreAll(restoring, steps);
    return reporter.report();
  } finally {
    await stream.close();
  }
};

const restoreAll = async <Parts, Place extends AnyPlace>(
  restoring: Restoring<Parts, Place>,
  steps: RestoreSteps<Parts, Place>,
): Promise<void> => {
  const { databasesIn, others, finish } = steps;
  const { stream, reporter } = restoring;
  const goals = new Map<string, Goal<Parts>>();
  const failed = new Map<string, HoldfastError>();
  let isEmpty = false;
  let hadOthers = false;
  for (let entry = await stream.peek(); entry; entry = await stream.peek()) {
    const { place, path, content } = entry;
    if (place.kind === 'server') {
      stream.skip();
      const databases = parsedFile(path, await textOf(path, content), databasesIn);
      isEmpty = databases.length === 0;
      await assertTargetsAreFree(restoring, databases);
    } else if (place.database === undefined) {
      stream.skip();
      hadOthers = true;
      if (isWholeServer(restoring)) await others?.restore(entry);
    } else {
      const { database } = place;
      const goal = goalFor(restoring, database, goals.values());
      goals.set(database, goal);
      const error = await restoreDatabase(stream, goal, steps);
      if (error) failed.set(path.split('/', 1)[0] ?? path, error);
    }
  }
  if (failed.size > 0 && failed.size === goals.size) throw allFailed([...failed.values()]);
  for (const [path, error] of failed) reporter.fail(path, error);
  await finish?.();
  if (isEmpty) reporter.warn(hadNoDatabase(others && hadOthers ? ` but its ${others.name}` : ''));
  else if (goals.size === 0) throw nothingToRestore();
};

/** The error when the target does not take it; what is left of its files is passed over then, since others may follow. */
const restoreDatabase = async <Parts, Place extends AnyPlace>(
  stream: PlacedEntries<Place>,
  goal: Goal<Parts>,
  { restoreWhole, restoreParts }: RestoreSteps<Parts, Place>,
): Promise<HoldfastError | undefined> => {
  try {
    await (goal.parts === 'everything' ? restoreWhole(goal) : restoreParts(goal, goal.parts));
    return undefined;
  } catch (error) {
    if (!hasCode(error, 'TARGET_FAILED')) throw error;
    while ((await stream.peek())?.place.database === goal.database) stream.skip();
    return error;
  }
};

/** One for all of them. */
const allFailed = ([first, ...others]: readonly HoldfastError[]): HoldfastError | undefined => {
  if (!first || others.length === 0) return first;
  const messages = new Set([first, ...others].map(({ message }) => message));
  return new HoldfastError(first.code, [...messages].join('; '), { hint: first.hint, cause: first });
};
