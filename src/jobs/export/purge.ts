// Removing exported files that were taken away: only what this job exported, only when it is unchanged, and never anything else.
import { createHash } from 'node:crypto';
import { readObject } from '#archive/read-object.ts';
import type { ExportFile } from '#catalog/exports.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { asError, HoldfastError, hasCode } from '#lib/errors.ts';
import type { StoreConfig } from '#stores/registry.ts';
import { largeObjectsOf, type Store } from '#stores/store.ts';
import { assertApart } from '../apart.ts';
import { openPlainStore } from '../plain-store.ts';
import { recorded } from '../recorded.ts';
import type { RunContext } from '../run-backup.ts';
import { type Ended, ok, partial } from '../run-outcome.ts';
import { filesThere } from './gone.ts';
import { neededCatalog } from './run.ts';

/** What shows that a file was taken away; all that is given must be true. */
export interface PurgeRules {
  /** Another program's store, which has it under the same name and size. */
  readonly listedIn?: StoreConfig | undefined;
  readonly olderThanMs?: number | undefined;
  readonly shipped?: true | undefined;
}

export interface PurgeTask {
  readonly job: string;
  readonly to: StoreConfig;
  readonly rules: PurgeRules;
  readonly dryRun: boolean;
}

/** What became of a file: removed, kept for this reason, or not there any more. */
export type PurgeVerdict = { readonly name: string } & (
  | { readonly state: 'removed' | 'gone' }
  | { readonly state: 'kept'; readonly reason: string }
  | { readonly state: 'failed'; readonly error: Error }
);

export interface PurgeRun extends Ended {
  readonly id: string;
  readonly verdicts: readonly PurgeVerdict[];
}

/** Looks at every file that the job exported and that was not purged before. */
export const runPurge = (task: PurgeTask, context: RunContext): Promise<PurgeRun> => {
  const { job, dryRun } = task;
  const { signal } = context;
  return recorded({ verb: 'purge', job, dryRun }, context, async ({ id, record }) => {
    const open = (config: StoreConfig): Promise<Store> => openPlainStore(job, config, context);
    await using store = await open(task.to);
    await using other = task.rules.listedIn ? await open(task.rules.listedIn) : undefined;
    if (task.rules.listedIn)
      assertApart(
        task.rules.listedIn,
        task.to,
        'what shows that files were taken away must be another store',
      );
    const listed = other && (await sizesIn(other));
    const files = await filesThere(neededCatalog(context).exports, job, store);
    if (other && listed?.size === 0 && files.length > 0)
      context.onEvent({
        type: 'warning',
        subject: job,
        text: `there is nothing in ${other.location}, so that no file counts as taken away`,
        hint: 'look whether `listedIn` names the right place, and whether it is mounted',
      });
    const verdicts: PurgeVerdict[] = [];
    for (const file of files) {
      throwIfCancelled(signal);
      if (file.name === undefined) continue;
      const verdict = await judge({ ...file, name: file.name }, { task, store, listed, context });
      verdicts.push(verdict);
      context.onEvent({ type: 'purged', subject: job, verdict, dryRun });
    }
    const firstError = verdicts.flatMap((verdict) => ('error' in verdict ? [verdict.error] : []))[0];
    const ended = firstError ? partial : ok;
    record?.end(ended, [], firstError);
    return { ...ended, id, verdicts };
  });
};

const sizesIn = async (store: Store): Promise<ReadonlyMap<string, number>> =>
  new Map((await Array.fromAsync(store.list(''))).map(({ key, size }) => [key, size]));

interface Judging {
  readonly task: PurgeTask;
  readonly store: Store;
  readonly listed: ReadonlyMap<string, number> | undefined;
  readonly context: RunContext;
}

type NamedFile = ExportFile & { readonly name: string };

const judge = async (file: NamedFile, judging: Judging): Promise<PurgeVerdict> => {
  const { task, store, context } = judging;
  const { name } = file;
  try {
    const ledger = neededCatalog(context).exports;
    const reason = whyKept(file, judging);
    if (reason !== undefined) return { name, state: 'kept', reason };
    const sha256 = await hashOf(store, name, context.signal);
    if (sha256 === undefined) {
      if (!task.dryRun) ledger.setGone(file.id, 'gone', context.clock.now());
      return { name, state: 'gone' };
    }
    if (sha256 !== file.sha256)
      return { name, state: 'kept', reason: 'it was changed since it was exported' };
    if (task.dryRun) return { name, state: 'removed' };
    await (largeObjectsOf(store)?.deleteLarge(name) ?? store.delete(name));
    ledger.setGone(file.id, 'purged', context.clock.now());
    return { name, state: 'removed' };
  } catch (error) {
    throwIfCancelled(context.signal);
    return { name, state: 'failed', error: asError(error) };
  }
};

const whyKept = (file: NamedFile, { task: { rules }, listed, context }: Judging): string | undefined => {
  const ageMs = context.clock.now().getTime() - file.exportedAt.getTime();
  if (rules.shipped && !file.shippedAt) return 'it was not shipped yet';
  if (rules.olderThanMs !== undefined && ageMs < rules.olderThanMs) return 'it is not old enough';
  if (listed === undefined) return undefined;
  const size = listed.get(file.name);
  if (size === undefined) return 'it was not taken away yet';
  return size === file.sizeBytes ? undefined : 'what was taken away has another size';
};

const hashOf = async (store: Store, name: string, signal: AbortSignal): Promise<string | undefined> => {
  const hash = createHash('sha256');
  try {
    for await (const chunk of readObject(store, name, signal)) hash.update(chunk);
    return hash.digest('hex');
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
    throw error;
  }
};

/** The rules of a job; USAGE when it has none. */
export const rulesOrThrow = <Rules>(job: string, rules: Rules | undefined): Rules => {
  if (rules !== undefined) return rules;
  throw new HoldfastError('USAGE', `${job} does not say when its files may be removed`, {
    hint: 'give it "purge": { listedIn: … }, { olderThan: 7d } or { shipped: true }',
  });
};
