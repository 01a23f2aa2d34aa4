// What a run said, line by line: all of it up to a bound, beyond that only what went wrong, and how much was left out.
import type { DatabaseSync } from 'node:sqlite';
import type { LogLine } from './run.ts';
import { inTransaction } from './transaction.ts';

/** So many lines of a run are kept, and as many warnings and errors after them. */
export const linesKept = 5000;
const lineLength = 4000;
/** The logs of so many runs of a job are kept; those of runs that did not succeed, three times as many. */
const runsWithLog = 100;

/** Decides which lines of a run are kept; `end` says what became of the others. */
export const boundedLog = () => {
  let kept = 0;
  let complaints = 0;
  let leftOut = 0;
  return {
    /** The line as it is kept, or undefined. */
    take(line: LogLine): LogLine | undefined {
      const complains = line.level === 'warn' || line.level === 'error';
      if (kept < linesKept) kept += 1;
      else if (complains && complaints < linesKept) complaints += 1;
      else {
        leftOut += 1;
        return undefined;
      }
      const { text } = line;
      return text.length > lineLength ? { ...line, text: `${text.slice(0, lineLength)}…` } : line;
    },
    end(at: Date): LogLine | undefined {
      return leftOut > 0 ? { at, level: 'warn', text: `${leftOut} more lines were not kept` } : undefined;
    },
  };
};

export const insertLog = (
  database: DatabaseSync,
  lines: readonly (readonly [run: string, line: LogLine])[],
): void =>
  inTransaction(database, () => {
    const insert = database.prepare('INSERT INTO run_log (run, at_ms, level, text) VALUES (?, ?, ?, ?)');
    for (const [run, { at, level, text }] of lines) insert.run(run, at.getTime(), level, text.toWellFormed());
  });

export const readLog = (database: DatabaseSync, run: string): LogLine[] =>
  database
    .prepare('SELECT at_ms, level, text FROM run_log WHERE run = ? ORDER BY rowid')
    .all(run)
    .map((row) => ({
      at: new Date(Number(row.at_ms)),
      level: row.level as LogLine['level'],
      text: String(row.text),
    }));

export const forgetOldLogs = (database: DatabaseSync, run: string): void => {
  const forget = database.prepare(
    `DELETE FROM run_log WHERE run IN (
       SELECT older.id FROM runs older JOIN runs this ON older.job IS this.job AND older.verb = this.verb
       WHERE this.id = ?1 AND (?2 = 0 OR older.state = 'succeeded') ORDER BY older.started_ms DESC LIMIT -1 OFFSET ?3)`,
  );
  forget.run(run, 1, runsWithLog);
  forget.run(run, 0, 3 * runsWithLog);
};
