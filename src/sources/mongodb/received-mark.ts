// What a database has received, in a collection of its own with a single document: the mark of what readers see, what is on its way
// to its place just now, and which run has the database to itself.
import { z } from 'zod';
import type { ProcessIdentity } from '#lib/process-identity.ts';
import { type Mark, markSchema } from '../receiver.ts';
import { elementAt, relaxedJson, stringAt } from './bson.ts';
import type { Command, Connection } from './connect.ts';
import { code, serverCode } from './server-error.ts';

export const receivedCollection = 'holdfast_received';

/** Where the document is. */
export interface Received {
  readonly connection: Connection;
  readonly database: string;
}

const movingSchema = z.strictObject({
  /** What readers see when all have their places. */
  mark: markSchema,
  /** In the order in which they get them. */
  moves: z.array(
    z.strictObject({
      from: z.string(),
      to: z.string(),
      /** Of the collection, which keeps it; '' for a view. */
      uuid: z.string(),
    }),
  ),
});

const processSchema: z.ZodType<ProcessIdentity> = z.strictObject({
  host: z.string(),
  pid: z.number(),
  started: z.string(),
});

export type Moving = z.infer<typeof movingSchema>;
export type Move = Moving['moves'][number];

export interface Kept {
  /** Undefined where it is not known which state readers see. */
  readonly mark: Mark | undefined;
  /** What a run had begun to put in its place. */
  readonly moving: Moving | undefined;
}

/** The run that has the database to itself, how often it said so, and where it runs. */
export interface Holder {
  readonly run: string;
  readonly beat: number;
  readonly by: ProcessIdentity;
}

/** Undefined where nothing was received. */
export const readKept = async (received: Received): Promise<Kept | undefined> => {
  const document = await readDocument(received);
  const mark = document && stringAt(document, 'mark');
  const moving = document && stringAt(document, 'moving');
  if (mark === undefined && moving === undefined) return undefined;
  return {
    mark: markSchema.nullable().parse(JSON.parse(mark ?? 'null')) ?? undefined,
    moving: moving === undefined ? undefined : movingSchema.parse(JSON.parse(moving)),
  };
};

export const readHolder = async (received: Received): Promise<Holder | undefined> => {
  const document = await readDocument(received);
  const run = document && stringAt(document, 'run');
  if (document === undefined || run === undefined) return undefined;
  const beat = elementAt(document, 'beat');
  return {
    run,
    beat: beat === undefined ? 0 : Number(relaxedJson(beat)),
    by: processSchema.parse(JSON.parse(stringAt(document, 'by') ?? 'null')),
  };
};

/** The fields of a run that begins to hold it, and those of one that lets go. */
export const held = ({ run, beat, by }: Holder): Command => ({
  $set: { run, beat, by: JSON.stringify(by) },
});
export const letGo: Command = { $unset: { run: '', beat: '', by: '' } };

/** The fields that remember it: what is absent is forgotten. */
export const keeping = ({ mark, moving }: Kept): Command => ({
  $set: { mark: JSON.stringify(mark ?? null), ...(moving && { moving: JSON.stringify(moving) }) },
  ...(!moving && { $unset: { moving: '' } }),
});

/** Changes the document if it fits the query; false when it does not. */
export const change = async (
  { connection, database }: Received,
  query: Command,
  change: Command,
  { orMake = false } = {},
): Promise<boolean> => {
  const updates = [{ q: { _id: id, ...query }, u: change, upsert: orMake }];
  const reply = await connection.command(database, { update: receivedCollection, updates });
  const [failure] = (reply.writeErrors ?? []) as readonly {
    readonly code?: number;
    readonly errmsg?: string;
  }[];
  if (failure?.code === code.duplicateKey) return false; // it is there, and does not fit
  if (failure) throw Object.assign(new Error(failure.errmsg), { code: failure.code });
  return Number(reply.n) === 1;
};

const id = 'received';

const readDocument = async ({ connection, database }: Received): Promise<Uint8Array | undefined> => {
  try {
    const [document] = await connection.list(database, { find: receivedCollection, filter: { _id: id } });
    return document;
  } catch (error) {
    if (serverCode(error) !== code.namespaceNotFound) throw error;
    return undefined;
  }
};
