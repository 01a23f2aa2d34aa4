// Queries across the sources of a restore point: asked of its snapshots, in the SQL of `holdfast query`.
import type { RepositoryConfig } from '#config/config.ts';
import { letOthersWork } from '#lib/clock.ts';
import { HoldfastError } from '#lib/errors.ts';
import { shortId } from '#lib/format.ts';
import type { Repository, Snapshot } from '#repository/contract.ts';
import type { JobContext } from '../job-context.ts';
import { doubtsOf } from '../query/doubts.ts';
import { openQuery, type Query } from '../query/query.ts';
import { valueText } from '../query/value-text.ts';
import type { RestorePoint } from '../restore-point.ts';
import { withRepository } from '../use-repository.ts';
import { type Answer, type Asked, askAll, type DrillQuery } from './query.ts';

/** Each source's tables have its name in front. Throws when the repository cannot be opened, or is lost on the way. */
export const askAcross = (
  { snapshots }: RestorePoint,
  {
    queries,
    repository,
    job,
  }: {
    readonly queries: readonly DrillQuery[];
    readonly repository: RepositoryConfig;
    readonly job: string;
  },
  context: JobContext,
): Promise<Asked> => {
  if (queries.length > 0)
    context.onEvent({ type: 'started', subject: job, doing: 'asking across its sources' });
  return askAll(
    queries,
    async ({ query: sql }) => {
      // SQLite cannot be interrupted: while it answers, nothing is held.
      using query = await withRepository(
        repository,
        { lock: 'shared', readsIndex: true },
        context,
        (opened) =>
          openQuery({ repository: opened, others: snapshots, sql }, context).catch(async (error) => {
            await assertStillThere(opened, snapshots);
            throw error;
          }),
      );
      for (const doubt of doubtsOf(query)) context.onEvent({ type: 'warning', subject: job, ...doubt });
      return await answerOf(query, context.signal);
    },
    context.signal,
  );
};

/** Between two queries nothing is held: what was forgotten and pruned meanwhile says nothing of what it was. */
const assertStillThere = async (
  repository: Repository,
  snapshots: ReadonlyMap<string, Snapshot>,
): Promise<void> => {
  const ids = new Set((await repository.snapshots()).map(({ id }) => id));
  for (const [source, { id }] of snapshots)
    if (!ids.has(id))
      throw new HoldfastError(
        'SNAPSHOT_UNKNOWN',
        `snapshot ${shortId(id)} of ${source} was removed while it was drilled`,
        { hint: 'drill again: a newer restore point is taken' },
      );
};

/** Others have their turn after so many rows. */
const atOnce = 1000;

const answerOf = async (query: Query, signal: AbortSignal): Promise<Answer> => {
  await letOthersWork(signal);
  let rows = 0;
  let first: Answer['first'];
  for (const row of query.rows()) {
    if (rows === 0) first = valueText(row[0] ?? null);
    rows += 1;
    if (rows % atOnce === 0) await letOthersWork(signal);
  }
  return { rows, first };
};
