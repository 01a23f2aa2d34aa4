// What a site tells the console: how everything stands there, as `status` knows it. It is written and read by one schema,
// so nothing else leaves a site, and nothing else is believed of one: it may have been taken over.
import { z } from 'zod';
import type { ShownProof } from '#catalog/drill.ts';
import type { PointProof } from '#catalog/drilled-point.ts';
import { HoldfastError } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { withoutSecrets } from '#lib/secret.ts';
import type { Health } from '../health/health.ts';
import type { ToldOrders } from './outcomes.ts';
import { parseJson } from './parse-json.ts';

export interface Bulletin {
  readonly site: string;
  /** When it was made, by the site's clock. */
  readonly at: Date;
  /** Of Holdfast. */
  readonly version: string;
  /** The machine. */
  readonly host: string;
  /** The public keys of the consoles that it is for. One made before it said so is for none. */
  readonly for: readonly string[];
  readonly health: Health;
  readonly proofs: readonly ShownProof[];
  /** Of restore points as a whole. An older version told nothing of them. */
  readonly points: readonly PointProof[];
  /** Absent where the site takes no orders. */
  readonly orders?: ToldOrders;
}

/** No honest bulletin is larger: it has some hundred bytes for each job, source and repository. */
export const mostBytes = 4 * 1024 * 1024;
/** So many of each sort. */
const mostItems = 5000;
/** Longer texts are cut by who writes them, and refused by who reads them. */
const mostChars = 2000;

/** Nothing in it can play with a terminal. */
const text = z.string().max(mostChars).transform(printable);
const time = z.iso.datetime().transform((written) => new Date(written));
const amount = z.number().min(0);
const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(mostItems);
const error = z.object({ code: text, message: text, hint: text.exactOptional() });

const ended = z.enum(['succeeded', 'partial', 'failed', 'cancelled', 'skipped']);
const begun = z.enum(['running', 'interrupted']);

const run = z.intersection(
  z.object({
    id: text,
    job: text.exactOptional(),
    verb: text,
    due: time.exactOptional(),
    covers: amount.exactOptional(),
    startedAt: time,
    process: z.object({ host: text, pid: amount }).transform((one) => ({ ...one, started: '' })),
  }),
  z.discriminatedUnion('state', [
    z.object({ state: begun }),
    z.object({
      state: ended,
      endedAt: time,
      exitStatus: amount,
      bytes: amount,
      items: amount,
      itemsFailed: amount,
      error: error.exactOptional(),
    }),
  ]),
);

const job = z.object({
  job: text,
  well: z.boolean(),
  missed: time.exactOptional(),
  last: run.exactOptional(),
  lastSuccess: run.exactOptional(),
});

const source = z.object({
  job: text,
  source: text,
  repository: text,
  state: z.enum(['ok', 'late', 'none', 'partial', 'suspicious', 'unknown']),
  good: z.object({ id: text, time, bytes: amount }).exactOptional(),
  needed: time.exactOptional(),
});

const repository = z.object({
  repository: text,
  error: text.exactOptional(),
  snapshots: amount.exactOptional(),
  space: z.object({ freeBytes: amount, totalBytes: amount }).exactOptional(),
  bytesPerDay: amount.exactOptional(),
  daysLeft: amount.exactOptional(),
  shortage: text.exactOptional(),
});

const receiver = z.object({
  job: text,
  source: text,
  into: text,
  takenAt: time.exactOptional(),
  lagMs: amount.exactOptional(),
  snapshot: text.exactOptional(),
  maxLagMs: amount.exactOptional(),
  failure: z.object({ since: time, error }).exactOptional(),
  well: z.boolean(),
});

const trouble = z.object({
  ...{ id: text, subject: text, event: text, text },
  ...{ since: time, last: time, runs: amount },
});

const notifier = z.object({
  notifier: text,
  worked: time.exactOptional(),
  last: z.object({ error: error.exactOptional() }),
});

const differed = z.object({ run: text, at: time }).exactOptional();

const proof = z.object({
  source: text,
  repository: text,
  proven: z.object({ at: time, restoreMs: amount, snapshotTime: time }).exactOptional(),
  last: z.object({
    id: text,
    state: z.enum(['running', 'interrupted', 'passed', 'differs', 'failed', 'cancelled']),
    startedAt: time,
  }),
  differed,
});

const point = z.object({
  last: z.object({
    ...{ run: text, job: text, repository: text, startedAt: time },
    state: z.enum(['passed', 'differs', 'failed']),
  }),
  proven: z
    .object({ point: text, pointTime: time, endedAt: time, sources: amount, queries: amount })
    .exactOptional(),
  differed,
});

const order = z.object({
  id: text,
  at: time.exactOptional(),
  jobs: list(text),
  takenAt: time,
  state: z.union([begun, ended, z.literal('refused')]),
  why: text.exactOptional(),
  runs: list(z.object({ id: text, job: text, state: z.union([begun, ended]) })),
});

const schema: z.ZodType<Bulletin> = z.object({
  format: z.literal(1),
  site: text,
  at: time,
  version: text,
  host: text,
  for: list(text).default([]),
  health: z.object({
    at: time,
    jobs: list(job),
    sources: list(source),
    repositories: list(repository),
    receivers: list(receiver),
    troubles: list(trouble),
    notifiers: list(notifier),
  }),
  proofs: list(proof),
  points: list(point).default([]),
  orders: z.object({ jobs: list(text), taken: list(order) }).exactOptional(),
});

/** As it is sealed: of all that it is given, what the schema knows, and no secret that was read in this process. */
export const writeBulletin = (bulletin: Bulletin): string => {
  const known = schema.safeParse(JSON.parse(JSON.stringify({ format: 1, ...bulletin }, cleaned)));
  if (!known.success)
    throw new HoldfastError('UNSUPPORTED', `the bulletin would have ${flawIn(known.error)}`, {
      hint: divide,
    });
  const written = JSON.stringify({ format: 1, ...known.data });
  if (Buffer.byteLength(written) <= mostBytes) return written;
  throw new HoldfastError('UNSUPPORTED', `the bulletin would have more than ${mostBytes} bytes`, {
    hint: divide,
  });
};

const divide = `where the file has more than ${mostItems} of a sort, divide it into several, each a site of its own`;

const cleaned = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? fitting(printable(withoutSecrets(value))) : value;

const fitting = (value: string): string =>
  value.length <= mostChars ? value : `${value.slice(0, mostChars - 1).toWellFormed()}…`;

/** FAILED for what is no bulletin that this version understands; nothing of its words is repeated. */
export const readBulletin = (bytes: Uint8Array): Bulletin => {
  const found = schema.safeParse(parseJson(bytes));
  if (found.success) return found.data;
  throw new HoldfastError('FAILED', `it has ${flawIn(found.error)}`, {
    hint: 'where a newer Holdfast wrote it, bring this one up to date; else somebody else did',
  });
};

/** Keys of the schema and numbers of items only: 'something else than belongs at health.jobs.3.well'. */
const flawIn = ({ issues: [first] }: z.ZodError): string =>
  `something else than belongs at ${first?.path.join('.') || 'its beginning'}`;
