// The values of sequences. They do not belong to any snapshot: what is read after it is never lower than what it had.
import { HoldfastError } from '#lib/errors.ts';
import type { Connection } from './connect.ts';
import type { SequenceValue } from './contents.ts';
import { plainName, quoteLiteral, quoteName } from './identifiers.ts';
import type { Sequence } from './listing.ts';
import type { Reading } from './reading.ts';
import { isServerError, serverMessage } from './server-error.ts';

/** One statement reads so many. */
const batch = 200;

/** The values of those that may be read. */
export const readSequences = async (
  reading: Reading,
  sequences: readonly Sequence[],
): Promise<SequenceValue[]> => {
  const readable = sequences.filter((sequence) => sequence.readable);
  const values: SequenceValue[] = [];
  for (let at = 0; at < readable.length; at += batch) {
    const some = readable.slice(at, at + batch);
    const each = some.map(
      (sequence, index) =>
        `select ${index} as index, last_value::text as "lastValue", is_called as "isCalled" from ${quoteName(sequence)}`,
    );
    const rows = await reading.query<{ index: number; lastValue: string; isCalled: boolean }>(
      each.join(' union all '),
    );
    for (const { index, lastValue, isCalled } of rows) {
      const { schema, name, owner } = some[index] as Sequence;
      values.push({ schema, name, lastValue, isCalled, owner });
    }
  }
  return values;
};

/** The statement that sets a sequence to its value. */
export const setSequenceSql = ({ lastValue, isCalled, ...name }: SequenceValue): string =>
  `select pg_catalog.setval(${quoteLiteral(quoteName(name)).trim()}, ${BigInt(lastValue)}, ${isCalled});`;

/** TARGET_FAILED when the server refuses. */
export const setSequence = async (connection: Connection, value: SequenceValue): Promise<void> => {
  try {
    await connection.query(setSequenceSql(value));
  } catch (error) {
    if (!isServerError(error)) throw error;
    throw new HoldfastError(
      'TARGET_FAILED',
      `sequence ${plainName(value)} could not be set to ${value.lastValue}: ${serverMessage(error)}`,
      { cause: error },
    );
  }
};

/** Whether the value is further than what the sequence has now, in the direction in which it counts. */
export const isAhead = async (connection: Connection, value: SequenceValue): Promise<boolean> => {
  const name = quoteName(value);
  const [now] = await connection.query<{ lastValue: string; isCalled: boolean; increment: string }>(
    `select last_value::text as "lastValue", is_called as "isCalled",
      (select seqincrement::text from pg_catalog.pg_sequence where seqrelid = ${quoteLiteral(name)}::regclass) as increment
      from ${name}`,
  );
  if (!now) return false;
  const distance =
    (BigInt(value.lastValue) - BigInt(now.lastValue)) * (BigInt(now.increment) > 0n ? 1n : -1n);
  return distance > 0n || (distance === 0n && value.isCalled && !now.isCalled);
};
