// A backup back into a server: all of it, one database, or some collections.
//
// Each collection is loaded under a name of its own and gets the name it is to have when everything is there, so that nothing
// is seen half, and what is replaced stays until then. Time series cannot be renamed and are loaded where they belong.
import { randomUUID } from 'node:crypto';
import { throwIfCancelled } from '#lib/clock.ts';
import { forEachLimit } from '#lib/concurrency.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Context } from '#lib/kind.ts';
import { hadNoDatabase } from '../free-targets.ts';
import { Reporter, textOf } from '../restore-report.ts';
import { assertSafePath } from '../safe-path.ts';
import type { Entry, RestoreReport, RestoreTarget } from '../source.ts';
import { assertMayTakePlaces, type Beside } from './beside.ts';
import type { MongodbConfig } from './config.ts';
import { type Connection, connect } from './connect.ts';
import { parseContents, type ServerContents } from './contents.ts';
import { kind, parsePath } from './layout.ts';
import { loadEntry } from './load-entry.ts';
import { finishRestore } from './restore-finish.ts';
import { type Plan, planOf } from './restore-goal.ts';
import { dropStaged, type Staged } from './staging.ts';
import { assertTargetsAreFree } from './target-state.ts';

export interface RestoreRequest {
  readonly config: MongodbConfig;
  readonly context: Context;
  /** Whole databases go beside what is there, and take its places later. */
  readonly beside?: Beside;
}

/** What all steps of a restore share. */
export interface Restoring extends RestoreRequest {
  readonly connection: Connection;
  readonly into: RestoreTarget;
  readonly reporter: Reporter;
  readonly contents: ServerContents;
  readonly plan: Plan;
  readonly staged: Staged;
}

export const restoreServer = async (
  request: RestoreRequest,
  entries: AsyncIterable<Entry>,
  into: RestoreTarget,
): Promise<RestoreReport> => {
  const { config, context, beside } = request;
  const iterator = entries[Symbol.asyncIterator]();
  await using connection = await connect(config, context.signal);
  try {
    const contents = await readContents(iterator);
    const plan = planOf(contents, config, into, beside);
    if (beside) assertMayTakePlaces(plan.goals.map(({ collection }) => collection));
    else await assertTargetsAreFree(connection, plan, into);
    const reporter = new Reporter(into);
    if (contents.databases.length === 0) reporter.warn(hadNoDatabase());
    const staged: Staged = {
      suffix: beside?.suffix ?? randomUUID().slice(0, 8),
      collections: new Map(),
      loaded: new Map(),
      manifests: new Map(),
    };
    await restoreAll({ ...request, connection, into, reporter, contents, plan, staged }, iterator);
    return reporter.report();
  } finally {
    await iterator.return?.();
  }
};

/** Of the first file, which every part of a backup brings along. */
const readContents = async (entries: AsyncIterator<Entry>): Promise<ServerContents> => {
  for (let next = await entries.next(); !next.done; next = await entries.next()) {
    const { path, type, content } = next.value;
    if (path !== '') assertSafePath(path, kind);
    if (type !== 'file' || !content) continue;
    if (parsePath(path).kind !== 'server') break;
    return parseContents(await textOf(path, content));
  }
  throw new HoldfastError('TARGET_FAILED', 'the snapshot does not begin as a backup of MongoDB does', {
    hint: 'restore it into a folder, and load that with mongorestore',
  });
};

const restoreAll = async (restoring: Restoring, entries: AsyncIterator<Entry>): Promise<void> => {
  const { config, context, into } = restoring;
  try {
    await forEachLimit(filesOf(entries), into.sequential ? 1 : config.connections, (file) => {
      throwIfCancelled(context.signal);
      return loadEntry(restoring, file);
    });
    throwIfCancelled(context.signal);
    await finishRestore(restoring);
  } catch (error) {
    await dropStaged(restoring);
    throw error;
  }
};

/** A file of the backup. */
export interface RestoredFile {
  readonly path: string;
  readonly content: NonNullable<Entry['content']>;
}

/** Paths that are no part of a backup are refused as they come. */
async function* filesOf(entries: AsyncIterator<Entry>): AsyncGenerator<RestoredFile> {
  for (let next = await entries.next(); !next.done; next = await entries.next()) {
    const { path, type, content } = next.value;
    if (path !== '') assertSafePath(path, kind);
    if (type === 'file' && content) yield { path, content: content.bind(next.value) };
  }
}
