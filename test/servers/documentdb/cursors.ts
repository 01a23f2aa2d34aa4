// The open cursors of a connection, each with what the engine needs to go on.
import { BSON, type Document, type Timestamp } from 'mongodb';
import type pg from 'pg';
import { type Command, firstPage, nextPage, type Reply } from './commands.ts';
import type { DocumentdbEngine } from './engine.ts';
import type { Points } from './points.ts';

interface Cursor {
  readonly client: pg.Client | undefined;
  continuation: Buffer;
}

/** Drivers take a cursor up again on another connection, so all connections share them. */
const cursors = new Map<string, Cursor>();

export class Cursors {
  readonly #engine: DocumentdbEngine;
  readonly #points: Points;
  readonly #user: () => string;
  readonly #own = new Set<string>();

  constructor(engine: DocumentdbEngine, points: Points, user: () => string) {
    this.#engine = engine;
    this.#points = points;
    this.#user = user;
  }

  async open(command: Command): Promise<Reply> {
    const concern: Document | undefined = command.fields.readConcern;
    const time: Timestamp | undefined =
      concern?.level === 'snapshot' ? (concern.atClusterTime ?? (await this.#points.take())) : undefined;
    const client = time
      ? await this.#points.join(time, this.#user())
      : await this.#engine.connect(this.#user());
    let kept = false;
    try {
      const { page, continuation, cursorId, staysOpen } = await firstPage(client, withoutConcern(command));
      if (continuation !== undefined) {
        kept = staysOpen || time !== undefined;
        cursors.set(cursorId, { client: kept ? client : undefined, continuation });
        this.#own.add(cursorId);
      }
      return time ? withTime(page, time) : page;
    } finally {
      if (!kept) await client.end();
    }
  }

  async more(command: Command, id: string): Promise<Reply> {
    const cursor = cursors.get(id);
    if (!cursor) return { ok: 0, code: 43, codeName: 'CursorNotFound', errmsg: `cursor id ${id} not found` };
    const runner = cursor.client ?? this.#engine.pool;
    const { page, continuation } = await nextPage(runner, command, cursor.continuation);
    if (continuation === undefined) await forget(id);
    else cursor.continuation = continuation;
    return page;
  }

  async kill(ids: readonly string[]): Promise<Document> {
    for (const id of ids) await forget(id);
    const cursorsKilled = ids.map((id) => BSON.Long.fromString(id));
    return { cursorsKilled, cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [], ok: 1 };
  }

  async close(): Promise<void> {
    for (const id of this.#own) await forget(id);
  }
}

const forget = async (id: string): Promise<void> => {
  const cursor = cursors.get(id);
  cursors.delete(id);
  await cursor?.client?.end().catch(() => {}); // it may have ended with the engine
};

/** The engine knows no snapshots by that name. */
const withoutConcern = (command: Command): Command => {
  const { readConcern: _, ...fields } = command.fields;
  return { ...command, fields, body: Buffer.from(BSON.serialize(fields)) };
};

/** The page with `atClusterTime` at the end of its `cursor`, and every other byte as it was. */
const withTime = (page: Buffer, atClusterTime: Timestamp): Buffer => {
  const added = BSON.serialize({ atClusterTime }).subarray(4, -1);
  const start = page.indexOf('\x03cursor\0', 'latin1') + '\x03cursor\0'.length;
  const end = start + page.readInt32LE(start) - 1;
  const changed = Buffer.concat([page.subarray(0, end), added, page.subarray(end)]);
  changed.writeInt32LE(changed.length, 0);
  changed.writeInt32LE(page.readInt32LE(start) + added.length, start);
  return changed;
};
