// Indexes, constraints and what follows them, several at once where none can be in another's way.
import { forEachLimit } from '#lib/concurrency.ts';
import { asError } from '#lib/errors.ts';
import type { Pool } from '../pool.ts';
import type { Connection } from './connect.ts';
import { type ItemRunner, itemFailure } from './run-items.ts';
import { isServerError, sqlState, state } from './server-error.ts';
import type { SqlItem } from './sql-items.ts';

export interface PostDataOptions {
  readonly pool: Pool<Connection>;
  readonly limit: number;
  readonly runner: ItemRunner;
  /** Called for each item that could not be made; the others go on. */
  onFailure(item: SqlItem, error: Error): void;
}

/**
 * Keys and indexes first, in parallel; then foreign keys; then all else in the order that pg_dump found, but for event triggers:
 * one that allows no changes would not let materialised views be filled.
 */
export const runPostData = async (items: readonly SqlItem[], options: PostDataOptions): Promise<void> => {
  const parallel = items.filter(({ type }) => type === 'INDEX' || type === 'CONSTRAINT');
  const foreignKeys = items.filter(({ type }) => type === 'FK CONSTRAINT');
  const rest = items.filter((item) => !parallel.includes(item) && !foreignKeys.includes(item));
  const attach = rest.filter(({ type }) => type === 'INDEX ATTACH');
  await runTogether(parallel, options);
  await runInOrder(attach, options);
  await runTogether(foreignKeys, options);
  const others = rest.filter((item) => !attach.includes(item));
  await runInOrder(
    [...others.filter((item) => !isEventTrigger(item)), ...others.filter(isEventTrigger)],
    options,
  );
};

/** An event trigger, or a comment on one. */
const isEventTrigger = ({ type, name }: SqlItem): boolean =>
  type === 'EVENT TRIGGER' || name.startsWith('EVENT TRIGGER ');

/** Those that were in each other's way come alone, after the others: some are in everybody's, as where an event trigger looks at many tables. */
const runTogether = async (items: readonly SqlItem[], options: PostDataOptions): Promise<void> => {
  const entangled: SqlItem[] = [];
  await forEachLimit(items, options.limit, (item) =>
    options.pool.use((connection) => runOne(connection, item, options, () => entangled.push(item))),
  );
  await runInOrder(entangled, options);
};

const runInOrder = async (items: readonly SqlItem[], options: PostDataOptions): Promise<void> => {
  await options.pool.use(async (connection) => {
    for (const item of items) await runOne(connection, item, options);
  });
};

const runOne = async (
  connection: Connection,
  item: SqlItem,
  { runner, onFailure }: PostDataOptions,
  onDeadlock?: () => void,
): Promise<void> => {
  try {
    await runner.run(connection, item);
  } catch (error) {
    const cause = asError(error).cause;
    if (onDeadlock && sqlState(cause) === state.deadlockDetected) return onDeadlock();
    if (!isServerError(cause) || !connection.usable) throw error;
    onFailure(item, itemFailure(item, cause));
  }
};
