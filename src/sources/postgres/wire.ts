// What this folder needs of the driver's inside (node-postgres' «Submittable»): the connection, and the calls that a running
// query gets from it.
import type { Duplex } from 'node:stream';

export interface WireConnection {
  readonly stream: Duplex;
  query(text: string): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

export interface RunningQuery {
  submit(connection: WireConnection): void;
  /** 'COPY 42'. */
  handleCommandComplete(complete: { readonly text: string }): void;
  handleReadyForQuery(): void;
  /** The server's error, or the loss of the connection. */
  handleError(error: Error): void;
  handleCopyInResponse(connection: WireConnection): void;
  handleCopyData(): void;
}

/** The number of rows in the answer to a COPY; undefined when it is no such answer. */
export const rowsOfTag = (tag: string): number | undefined => {
  const rows = /^COPY (\d+)$/.exec(tag)?.[1];
  return rows === undefined ? undefined : Number(rows);
};
