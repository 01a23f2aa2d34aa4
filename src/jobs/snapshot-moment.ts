// When a snapshot was made, as its maker's clock and calendar showed it: what «daily» and «within 1 month» are counted by.
import type { Snapshot } from '#repository/contract.ts';
import { formatLocalTime, parseTime } from '#repository/trees/time.ts';

export interface Moment {
  /** Since the epoch. */
  readonly nanos: bigint;
  /** '2026', '2026-11', '2026-11-21', '03': of the clock that showed it. */
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly hour: string;
  /** The ISO 8601 week: '2026-W47'. */
  readonly week: string;
  /** What the clock was ahead of UTC; 'local' follows the summer time of this process's zone, as restic has it. */
  readonly zone: { readonly offsetMs: number; readonly local: boolean };
}

const moments = new WeakMap<Snapshot, Moment>();

export const momentOf = (snapshot: Snapshot): Moment => {
  const known = moments.get(snapshot);
  if (known) return known;
  const moment = parseMoment(snapshot.localTime ?? formatLocalTime(snapshot.time));
  moments.set(snapshot, moment);
  return moment;
};

const shape = /^(-?\d+)-(\d\d)-(\d\d)T(\d\d).*?(?:Z|([+-])(\d\d):(\d\d))$/;

const parseMoment = (text: string): Moment => {
  const [, year = '', month = '', day = '', hour = '', sign, hours, minutes] = shape.exec(text) ?? [];
  const nanos = parseTime(text);
  const ahead = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes));
  return {
    nanos,
    year,
    month: `${year}-${month}`,
    day: `${year}-${month}-${day}`,
    hour,
    week: isoWeek(Number(year), Number(month), Number(day)),
    zone: {
      offsetMs: ahead * 60_000,
      local: sign !== undefined && zoneOffsetMs(Number(nanos / 1_000_000n)) === ahead * 60_000,
    },
  };
};

const dayMs = 86_400_000;

/** A week belongs to the year that its Thursday lies in. */
const isoWeek = (year: number, month: number, day: number): string => {
  const thursday = new Date(0);
  thursday.setUTCFullYear(year, month - 1, day);
  thursday.setUTCDate(day + 4 - (thursday.getUTCDay() || 7));
  const firstDay = new Date(thursday);
  firstDay.setUTCMonth(0, 1);
  const week = Math.floor((thursday.getTime() - firstDay.getTime()) / dayMs / 7) + 1;
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
};

/**
 * The moment so long before this one, in nanoseconds: years, months and days by the calendar (the 31st of a month with 30 days
 * is the 1st of the next), then hours by the clock. `span` is '1y2m3d4h' or a part of it.
 */
export const startOfSpan = ({ nanos, zone }: Moment, span: string): bigint => {
  const units: Record<string, number> = { y: 0, m: 0, d: 0, h: 0 };
  for (const [, count, unit] of span.matchAll(/(\d+)([ymdh])/g)) units[unit as string] = Number(count);
  const { y = 0, m = 0, d = 0, h = 0 } = units;
  const ms = Number(nanos / 1_000_000n);
  const shown = new Date(ms + zone.offsetMs);
  shown.setUTCFullYear(shown.getUTCFullYear() - y, shown.getUTCMonth() - m, shown.getUTCDate() - d);
  const start = zone.local ? fromLocalClock(shown.getTime()) : shown.getTime() - zone.offsetMs;
  return BigInt(start - h * 3_600_000) * 1_000_000n + (nanos % 1_000_000n);
};

const zoneOffsetMs = (ms: number): number => -new Date(ms).getTimezoneOffset() * 60_000;

/** What the clock's reading means in this process's zone; where summer time makes it none or two, the one that Go chooses. */
const fromLocalClock = (reading: number): number => {
  const guess = zoneOffsetMs(reading);
  return reading - zoneOffsetMs(reading - guess);
};
