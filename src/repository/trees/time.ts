// Times to the nanosecond, as Go's RFC 3339 writes them: '2026-11-21T03:04:05.123456789Z', trailing zeros left out.
import { z } from 'zod';
import { dateToNanos } from '#lib/file-times.ts';

const nanosPerSecond = 1_000_000_000n;

let lastSecond = -1n;
let lastText = '';

// Go cannot write other years as JSON: a time outside of 0 to 9999 becomes the nearest within.
const earliest = -62_167_219_200n * nanosPerSecond;
const latest = 253_402_300_800n * nanosPerSecond - 1n;

/** The text of nanoseconds since the epoch, in UTC. */
export const formatTime = (time: bigint): string => {
  const nanos = time < earliest ? earliest : time > latest ? latest : time;
  let second = nanos / nanosPerSecond;
  let fraction = nanos % nanosPerSecond;
  if (fraction < 0n) {
    second -= 1n;
    fraction += nanosPerSecond;
  }
  if (second !== lastSecond) {
    lastText = new Date(Number(second) * 1000).toISOString().slice(0, 19);
    lastSecond = second;
  }
  if (fraction === 0n) return `${lastText}Z`;
  return `${lastText}.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}Z`;
};

const shape = /^(-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/;

// A file's times are often one and the same.
let lastParsed = '';
let lastTime = 0n;

/** Nanoseconds since the epoch; throws when the text is no RFC 3339 time. */
export const parseTime = (text: string): bigint => {
  if (text === lastParsed) return lastTime;
  lastTime = parseAnyTime(text);
  lastParsed = text;
  return lastTime;
};

const parseAnyTime = (text: string): bigint => {
  const usual = parseUsualTime(text);
  if (usual !== undefined) return usual;
  const match = shape.exec(text);
  const millis = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(millis)) throw new Error(`'${text}' is not a time`);
  return BigInt(millis) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
};

/** '2026-11-21T03:04:05.123456789Z', which a snapshot holds three of for each file; undefined for any other form. */
const parseUsualTime = (text: string): bigint | undefined => {
  const end = text.length - 1;
  if (end < 19 || end > 29 || text.charCodeAt(end) !== 0x5a) return undefined;
  if (end > 19 && (end === 20 || text.charCodeAt(19) !== 0x2e)) return undefined;
  const year = digits(text, 0, 4);
  const [month, day] = [digits(text, 5, 7), digits(text, 8, 10)];
  const [hour, minute, second] = [digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19)];
  const fraction = digits(text, 20, end) * 10 ** (29 - Math.max(20, end));
  const isPlain =
    year >= 100 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= 28 &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  if (!isPlain || !separators.every((at, index) => text.charCodeAt(at) === separatorCodes[index]))
    return undefined;
  if (Number.isNaN(fraction)) return undefined;
  return BigInt(Date.UTC(year, month - 1, day, hour, minute, second)) * 1_000_000n + BigInt(fraction);
};

const separators = [4, 7, 10, 13, 16] as const;
const separatorCodes = [0x2d, 0x2d, 0x54, 0x3a, 0x3a] as const;

/** The number that these digits are; NaN when one of them is none. */
const digits = (text: string, from: number, to: number): number => {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
};

/** RFC 3339 in a file that is held against a schema. */
export const timeText = z.string().refine((text) => {
  try {
    return parseTime(text) !== undefined;
  } catch {
    return false;
  }
}, 'is not a time');

/** The text of a moment as clocks showed it in this process's time zone; an offset of nothing is Z, as Go has it. */
export const formatLocalTime = (date: Date): string => {
  const minutes = -Math.trunc(date.getTimezoneOffset());
  const utc = formatTime(dateToNanos(new Date(date.getTime() + minutes * 60_000)));
  if (minutes === 0) return utc;
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${utc.slice(0, -1)}${minutes < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`;
};
