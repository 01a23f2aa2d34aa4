// What the console asks of a site: to run some of its jobs as they are configured there. It has their names and no option.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { namePattern } from '#config/names.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Secret } from '#lib/secret.ts';
import { parseJson } from './parse-json.ts';
import { sign, verifyOrder } from './signed.ts';

export interface Order {
  /** Random: no two have the same. */
  readonly id: string;
  readonly site: string;
  /** When it was given, by the console's clock. */
  readonly at: Date;
  /** Not to be taken later. */
  readonly until: Date;
  /** Each once. */
  readonly jobs: readonly string[];
}

/** So many jobs of names as long as they may be fit into an order, and nothing else of any length. */
export const mostJobs = 100;
export const mostOrderBytes = 32 * 1024;

export const newOrderId = (): string => randomBytes(8).toString('hex');

const name = z.string().regex(namePattern);
const time = z.iso.datetime().transform((written) => new Date(written));

/** Whatever else stands in one is not left out: it may change what is meant. */
const schema = z.strictObject({
  format: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{16}$/),
  site: name,
  at: time,
  until: time,
  jobs: z.array(name).min(1).max(mostJobs),
});

/** One line of JSON, and the signature below it. */
export const writeOrder = (order: Order, key: Secret): Buffer =>
  Buffer.from(sign(JSON.stringify({ format: 1, ...order }), 'order', key.reveal()));

/** FAILED, as a sentence without a subject, for what none of these keys has signed, or is no order that this version understands. */
export const readOrder = (bytes: Uint8Array, keys: readonly string[]): Order => {
  const found = schema.safeParse(parseJson(verifyOrder(bytes, keys)));
  if (!found.success)
    throw new HoldfastError('FAILED', 'it has something in it that this version does not understand');
  const { format: _, ...order } = found.data;
  return { ...order, jobs: [...new Set(order.jobs)] };
};
