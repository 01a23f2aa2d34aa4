// A server that is there and does nothing any more: what TCP does not notice.
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Stops the process that a server's file names, and those that it has started, until it is disposed of. */
export const frozen = (pidFile: string): Disposable => {
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  process.kill(pid, 'SIGSTOP');
  while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))); // then it starts none, and those that end stay known
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  const all = [...children.map(Number).filter((child) => child > 0), pid];
  for (const child of all) process.kill(child, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      for (const each of all) process.kill(each, 'SIGCONT');
    },
  };
};

/** What the work ends with, or its error; the test's timers think that it takes hours. */
export const whileHoursPass = async <Result>(
  t: TestContext,
  work: () => Promise<Result>,
): Promise<Result | Error> => {
  let isOver = false;
  const outcome = work()
    .catch((error: Error) => error)
    .finally(() => {
      isOver = true;
    });
  for (; !isOver; await nextTurn()) t.mock.timers.tick(60_000);
  return await outcome;
};
