// Numbers, times and names as people read them, on a screen or in a message.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** 1536 → '1.50 KiB', with three significant digits. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(value) >= 99.95 ? 0 : Math.abs(value) >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
};

/** 1234567 → '1,234,567'. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** '1 file', '2 files'. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** 'a', 'a or b', 'a, b or c'. */
export const anyOf = (words: readonly string[]): string =>
  new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words);

/** A length of time in two units at most: '0.42 s', '12 s', '3 min 20 s', '2 h 05 min'. */
export const formatDuration = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
};

/** '2026-11-21 03:30:00' in the reader's own time zone. */
export const formatTime = (time: Date): string =>
  `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
  `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;

/** How long ago: 'just now', '5 min ago', '3 h ago', '2 days ago'. */
export const formatAge = (then: Date, now: Date): string => {
  const minutes = Math.floor((now.getTime() - then.getTime()) / 60_000);
  if (minutes < 0) return 'in the future';
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return `${Math.floor(minutes / 1440)} days ago`;
};

/** The first eight digits of an id, as restic shows it. */
export const shortId = (id: string): string => id.slice(0, 8);

const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** A name from a backup made safe for a terminal: control characters, direction marks and stray bytes are spelled out. */
export const printable = (name: string): string => name.replaceAll(unprintable, spelledOut);

/** The same for a message that may hold such names: its own lines and tabs stay. */
export const printableText = (text: string): string =>
  text.replaceAll(unprintable, (char) => (char === '\n' || char === '\t' ? char : spelledOut(char)));

const spelledOut = (char: string): string => {
  const code = char.charCodeAt(0);
  if (char === '\n') return '\\n';
  if (char === '\t') return '\\t';
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
};

const two = (value: number): string => String(value).padStart(2, '0');
