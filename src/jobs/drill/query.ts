// A user's own queries, and what they should give.
import type { QueryRecord } from '#catalog/drill.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { formatCount } from '#lib/format.ts';
import type { ScratchPlace } from '#sources/source.ts';
import { asInability, isInability } from './inability.ts';

export interface DrillQuery {
  readonly query: string;
  /** Where the snapshot holds several. */
  readonly database?: string | undefined;
  /** Of the first value of the first row: a value, or a comparison such as '> 0'. */
  readonly expect?: string | number | boolean | undefined;
  /** Of the number of rows. With neither, there must be at least one. */
  readonly rows?: string | number | undefined;
}

/** What an answer is judged by. */
export interface Answer {
  readonly rows: number;
  /** The first value of the first row; undefined where there is none. */
  readonly first: string | null | undefined;
}

/** What was found, and why the rest could not be asked. */
export interface Asked {
  readonly queries: readonly QueryRecord[];
  readonly error?: HoldfastError;
}

/** Asks them one after the other. One that fails did not give what was expected; one that could not be asked at all ends it. */
export const askAll = async (
  queries: readonly DrillQuery[],
  answerTo: (query: DrillQuery) => Promise<Answer>,
  signal: AbortSignal,
): Promise<Asked> => {
  const records: QueryRecord[] = [];
  for (const query of queries) {
    throwIfCancelled(signal);
    const asked = { query: query.query, expected: expectedBy(query) };
    try {
      records.push({ ...asked, ...judge(query, await answerTo(query)) });
    } catch (error) {
      throwIfCancelled(signal);
      if (error instanceof NotAsked) return { queries: records, error: asInability(error.cause) };
      if (hasCode(error, ...outOfReach)) return { queries: records, error };
      records.push({ ...asked, found: `it failed: ${messageOf(error)}`, passed: false });
    }
  }
  return { queries: records };
};

/** The place could not be asked. */
class NotAsked extends Error {
  constructor(cause: unknown) {
    super('not asked', { cause });
  }
}

/** They say nothing of what was asked. */
const outOfReach = [
  ...(['SOURCE_UNREACHABLE', 'SNAPSHOT_UNKNOWN'] as const),
  ...(['REPOSITORY_MISSING', 'REPOSITORY_LOCKED', 'WRONG_PASSWORD'] as const),
  ...(['STORE_UNREACHABLE', 'STORE_DENIED', 'STORE_FULL'] as const),
];

/** Asks what was restored, in the engine's own language. */
export const answerOf = async (place: ScratchPlace, { query, database }: DrillQuery): Promise<Answer> => {
  if (place.query === undefined)
    throw new HoldfastError('UNSUPPORTED', 'sources of this kind answer no queries');
  const answer = await place.query(query, database).catch((error: unknown) => {
    throw isInability(place, error) ? new NotAsked(error) : error;
  });
  return { rows: answer.length, first: answer[0]?.[0] };
};

/** What the answer says, in words. */
const judge = ({ expect, rows }: DrillQuery, answer: Answer): Pick<QueryRecord, 'found' | 'passed'> => {
  const count = `${answer.rows} ${answer.rows === 1 ? 'row' : 'rows'}`;
  const countFits = fits(rows ?? (expect === undefined ? '> 0' : '>= 0'), String(answer.rows));
  if (expect === undefined) return { found: count, passed: countFits };
  if (answer.first === undefined) return { found: 'no row', passed: false };
  const value = answer.first ?? 'null';
  return {
    found: rows === undefined ? shown(value) : `${shown(value)}, ${count}`,
    passed: countFits && fits(expect, value),
  };
};

/** It is told, mailed and remembered: of a document of megabytes, its beginning. */
const longestShown = 1000;

const shown = (value: string): string =>
  value.length > longestShown
    ? `${value.slice(0, longestShown).toWellFormed()}… (${formatCount(value.length)} characters)`
    : value;

const expectedBy = ({ expect, rows }: DrillQuery): string => {
  const parts = [
    expect === undefined ? [] : [String(expect)],
    rows === undefined ? [] : [`${rows} rows`],
  ].flat();
  return parts.length === 0 ? 'at least one row' : parts.join(', ');
};

type Order = (difference: number) => boolean;

const orders: Readonly<Record<string, Order>> = {
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '=': (difference) => difference === 0,
  '!=': (difference) => difference !== 0,
};

/** True when the value is the one expected, or stands to it as the expectation's sign says. Numbers are compared as numbers. */
export const fits = (expected: string | number | boolean, found: string): boolean => {
  const [, sign = '=', operand = ''] = /^\s*(>=|<=|!=|=|>|<)?\s*(.*?)\s*$/s.exec(String(expected)) ?? [];
  const order = orders[sign] as Order;
  if (typeof expected === 'boolean') return order(truth(found) === expected ? 0 : 1);
  if (isNumber(operand) && isNumber(found)) return order(compareNumbers(found, operand));
  return order(found < operand ? -1 : found > operand ? 1 : 0);
};

/** Below, at or above 0. Digit for digit where there are only digits: beyond 2^53 JavaScript takes neighbours for one number. */
const compareNumbers = (one: string, other: string): number => {
  const [left, right] = [decimal.exec(one.trim()), decimal.exec(other.trim())];
  if (!left || !right) return Number(one) - Number(other);
  const places = Math.max(left[2]?.length ?? 0, right[2]?.length ?? 0);
  const scaled = ([, whole = '', fraction = '']: RegExpExecArray): bigint =>
    BigInt(whole + fraction.padEnd(places, '0'));
  const [a, b] = [scaled(left), scaled(right)];
  return a < b ? -1 : a > b ? 1 : 0;
};

const decimal = /^(-?\d+)(?:\.(\d+))?$/;

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));

const truth = (text: string): boolean | undefined =>
  ['true', 't', '1'].includes(text) ? true : ['false', 'f', '0'].includes(text) ? false : undefined;
