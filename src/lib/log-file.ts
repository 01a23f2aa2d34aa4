// A log as one file a day in a folder. Several processes may write it at once: each line is one append.
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { DestinationStream } from 'pino';
import type { Clock } from './clock.ts';
import { makeFolder } from './make-folder.ts';

export interface LogFolder {
  readonly folder: string;
  /** Files begin with it: 'holdfast-2026-11-21.log'. */
  readonly name: string;
  readonly keepDays: number;
}

/**
 * Where a log writes its lines; days begin at midnight on this machine. Files of days too long ago are removed. When it cannot
 * be written, `onTrouble` is told once: the work that it tells of goes on.
 */
export const dayFiles = (
  { folder, name, keepDays }: LogFolder,
  clock: Clock,
  onTrouble: (error: unknown) => void,
): DestinationStream & Disposable => {
  let troubled = false;
  let file: { readonly day: string; readonly descriptor: number } | undefined;
  const close = (): void => {
    if (file) closeSync(file.descriptor);
    file = undefined;
  };
  const open = (day: string): number => {
    close();
    makeFolder(folder, 0o700);
    const descriptor = openSync(join(folder, `${name}-${day}.log`), 'a', 0o600);
    file = { day, descriptor };
    removeBefore(dayOf(clock.now(), keepDays - 1));
    return descriptor;
  };
  const removeBefore = (oldest: string): void => {
    for (const entry of readdirSync(folder)) {
      const day = entry.startsWith(`${name}-`) ? entry.slice(name.length + 1) : '';
      if (/^\d{4}-\d\d-\d\d\.log$/.test(day) && day < `${oldest}.log`)
        rmSync(join(folder, entry), { force: true });
    }
  };
  return {
    write(line) {
      const day = dayOf(clock.now());
      try {
        writeSync(file?.day === day ? file.descriptor : open(day), line);
      } catch (error) {
        const isFirst = !troubled;
        troubled = true; // before it is told, for that may be logged too
        if (isFirst) onTrouble(error);
      }
    },
    [Symbol.dispose]: close,
  };
};

/** '2026-11-21', so many days before this moment. */
const dayOf = (now: Date, daysBefore = 0): string => {
  const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysBefore);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
};
