// Names of runs: '20261121-033000-x7kq' sorts by time, can be typed by its beginning, and fits a tag (`run:<id>`).
import { randomInt } from 'node:crypto';

/** Letters and digits that are not taken for one another. */
const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';

/** A new id for a run that starts at this time (UTC). */
export const newRunId = (startedAt: Date): string => {
  const [date = '', time = ''] = startedAt.toISOString().split('T');
  const chance = Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${chance}`;
};
