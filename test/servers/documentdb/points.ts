// Points in time that a replica set can be read at: exported snapshots of PostgreSQL, each held by a transaction.
import { BSON, type Document, Timestamp } from 'mongodb';
import type pg from 'pg';
import type { DocumentdbEngine } from './engine.ts';

interface Point {
  readonly holder: pg.Client;
  readonly snapshot: string;
}

export class Points {
  readonly #engine: DocumentdbEngine;
  readonly #points = new Map<string, Point>();
  #last = 0;

  constructor(engine: DocumentdbEngine) {
    this.#engine = engine;
  }

  /** A new point: now. */
  async take(): Promise<Timestamp> {
    const holder = await this.#engine.connect();
    await holder.query('begin isolation level repeatable read, read only');
    const { rows } = await holder.query<{ id: string }>('select pg_export_snapshot() as id');
    const time = this.#now();
    this.#points.set(String(time), { holder, snapshot: rows[0]?.id ?? '' });
    return time;
  }

  /** A connection in a transaction that sees that point; SnapshotTooOld for one that nobody took. */
  async join(time: Timestamp, user: string): Promise<pg.Client> {
    const point = this.#points.get(String(time));
    if (!point)
      throw Object.assign(new Error('Read timestamp is older than the oldest available'), { code: 'M0239' });
    const client = await this.#engine.connect(user);
    await client.query(
      `begin isolation level repeatable read, read only; set transaction snapshot '${point.snapshot}'`,
    );
    return client;
  }

  /** What every reply of a replica set carries. */
  gossip(isReplicaSet = false): Document {
    if (!isReplicaSet) return {};
    const clusterTime = this.#now();
    const signature = { hash: new BSON.Binary(Buffer.alloc(20)), keyId: BSON.Long.fromNumber(0) };
    return { operationTime: clusterTime, $clusterTime: { clusterTime, signature } };
  }

  #now(): Timestamp {
    this.#last += 1;
    return new Timestamp({ t: 1_800_000_000, i: this.#last });
  }

  async close(): Promise<void> {
    for (const { holder } of this.#points.values()) await holder.end().catch(() => {});
  }
}
