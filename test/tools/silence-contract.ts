// What every engine owes whose rows come straight off the wire: nobody waits for ever for a server that is silent, and no other is given up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { whileHoursPass } from './frozen.ts';
import { slowLine } from './slow-line.ts';

interface Rows extends AsyncDisposable {
  /** Those of a SELECT, given up after a minute of silence. */
  rows(sql: string): AsyncIterable<Uint8Array>;
}

export interface SilenceSubject {
  readonly skip: string | false;
  port(): number;
  /** A connection, by way of a port. */
  open(port: number): Promise<Rows>;
  /** A table of 60,000 rows with a thousand letters each. */
  readonly table: string;
  /** Sleeps for a third of a second, and has one row. */
  readonly sleep: string;
}

export const keepsItsPatience = ({ skip, port, open, table, sleep }: SilenceSubject): void => {
  test('goodbye is not said for ever to a server that does not hear it', { skip }, async (t) => {
    await using line = await slowLine(port(), 0);
    const connection = await open(line.port);
    line.freeze();
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await whileHoursPass(t, async () => await connection[Symbol.asyncDispose]());
  });

  test('time in which nobody reads is not the server’s silence', { skip }, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using connection = await open(port());
    let bytes = 0;
    for await (const chunk of connection.rows(`select * from ${table}`)) {
      bytes += chunk.length;
      for (let minutes = 0; minutes < 5; minutes += 1) {
        t.mock.timers.tick(60_000);
        await nextTurn();
      }
    }
    assert.ok(bytes > 60_000_000);
  });

  test('a query that has not begun to answer may take as long as it takes', { skip }, async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using connection = await open(port());
    const read = async () =>
      Buffer.concat(await Array.fromAsync(connection.rows(sleep), Buffer.from)).toString();
    assert.match(`${await whileHoursPass(t, read)}`, /^\d\n$/);
  });
};
