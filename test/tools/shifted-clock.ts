// Loaded before a program (node --import), it sets the program's clock ahead by so many milliseconds, or behind where there are fewer than 0;
// where a file is named, until that file is there.
import { existsSync } from 'node:fs';

const { CLOCK_AHEAD_MS, CLOCK_RIGHT_FILE } = process.env;
const aheadMs = (): number =>
  CLOCK_RIGHT_FILE !== undefined && existsSync(CLOCK_RIGHT_FILE) ? 0 : Number(CLOCK_AHEAD_MS);

globalThis.Date = new Proxy(Date, {
  construct: (right, given, target) =>
    Reflect.construct(right, given.length > 0 ? given : [right.now() + aheadMs()], target),
  get: (right, name) => (name === 'now' ? () => right.now() + aheadMs() : Reflect.get(right, name)),
});
