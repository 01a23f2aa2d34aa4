// How archives are called: a template that people choose, the name it makes, and what a name tells again.
import { HoldfastError } from '#lib/errors.ts';

/** What a name is made of, besides the time. */
const wordFields = ['source', 'database', 'job', 'host', 'site'] as const;
export type WordField = (typeof wordFields)[number];
export type NameWords = Readonly<Record<WordField, string>>;

const timeFields = { yyyy: 4, mm: 2, dd: 2, HH: 2, MM: 2, SS: 2 } as const;
type TimeField = keyof typeof timeFields;

type Piece = { readonly text: string } | { readonly word: WordField } | { readonly time: TimeField };

export interface NameTemplate {
  /** Whether names tell the day at least, so that rules for what to keep can be applied. */
  readonly tellsDay: boolean;
  has(word: WordField): boolean;
  /** The name at this time, by the clock of this machine. */
  format(words: NameWords, time: Date): string;
  /**
   * What a name tells that this template made with one of the words given for each field ('any' for whatever there may be);
   * undefined for other names. `group` is the name without its time.
   */
  parse(
    name: string,
    words: Readonly<Record<WordField, readonly string[] | 'any'>>,
  ): { readonly time: Date; readonly group: string } | undefined;
}

/** What is wrong with a template, as a sentence; undefined when it is fit. */
export const flawInTemplate = (text: string, fields: readonly string[] = allFields): string | undefined => {
  const unknown = [...text.matchAll(/\{([^{}]*)\}/g)].find(([, field]) => !fields.includes(field ?? ''));
  if (unknown)
    return `${unknown[0]} is unknown; a name may hold ${fields.map((field) => `{${field}}`).join(' ')}`;
  const rest = text.replaceAll(/\{[^{}]*\}/g, 'x');
  if (/[{}]/.test(rest)) return 'a brace is not closed, or not opened';
  if (rest.split('/').some((part) => ['', '.', '..'].includes(part)) || /[\p{Cc}\\]/u.test(rest))
    return 'must be the name of a file, or a path below the store';
  return undefined;
};

const allFields: readonly string[] = [...wordFields, ...Object.keys(timeFields)];

export const nameTemplate = (text: string): NameTemplate => {
  const flaw = flawInTemplate(text);
  if (flaw !== undefined) throw new HoldfastError('USAGE', `"${text}" cannot be a name: ${flaw}`);
  const pieces = piecesOf(text);
  const has = (field: TimeField): boolean => pieces.some((piece) => 'time' in piece && piece.time === field);
  const tellsDay = has('yyyy') && has('mm') && has('dd');
  return {
    tellsDay,
    has: (word) => pieces.some((piece) => 'word' in piece && piece.word === word),
    format: (words, time) => pieces.map((piece) => textOf(piece, words, time)).join(''),
    parse(name, words) {
      const found = patternOf(pieces, words).exec(name);
      if (!found) return undefined;
      const times: Partial<Record<TimeField, number>> = {};
      let group = '';
      for (const [index, piece] of pieces.entries()) {
        const value = found[index + 1] ?? '';
        if (!('time' in piece)) group += `${value}\0`;
        else if (times[piece.time] === undefined) times[piece.time] = Number(value);
        else if (times[piece.time] !== Number(value)) return undefined;
      }
      const time = tellsDay ? timeOf(times) : new Date(0);
      return time && { time, group };
    },
  };
};

/** The template of the names that it makes at this time. */
export const templateAt = (text: string, time: Date): string =>
  piecesOf(text)
    .map((piece) => {
      if ('time' in piece) return timeText(piece.time, time);
      return 'word' in piece ? `{${piece.word}}` : piece.text;
    })
    .join('');

/** One part of a path, whatever was in the word. */
const safeWord = (word: string): string => {
  const safe = word.replaceAll(/[\p{Cc}/\\]/gu, '_');
  return ['', '.', '..'].includes(safe) ? '_' : safe;
};

const piecesOf = (text: string): Piece[] =>
  text
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== '')
    .map((part): Piece => {
      const field = /^\{(.*)\}$/.exec(part)?.[1];
      if (field === undefined) return { text: part };
      return field in timeFields ? { time: field as TimeField } : { word: field as WordField };
    });

const textOf = (piece: Piece, words: NameWords, time: Date): string => {
  if ('text' in piece) return piece.text;
  if ('word' in piece) return safeWord(words[piece.word]);
  return timeText(piece.time, time);
};

const timeText = (field: TimeField, time: Date): string =>
  String(readClock(time)[field]).padStart(timeFields[field], '0');

const readClock = (time: Date): Record<TimeField, number> => ({
  yyyy: time.getFullYear(),
  mm: time.getMonth() + 1,
  dd: time.getDate(),
  HH: time.getHours(),
  MM: time.getMinutes(),
  SS: time.getSeconds(),
});

const patternOf = (
  pieces: readonly Piece[],
  words: Readonly<Record<WordField, readonly string[] | 'any'>>,
): RegExp => {
  const groups = pieces.map((piece) => {
    if ('text' in piece) return escaped(piece.text);
    if ('time' in piece) return `\\d{${timeFields[piece.time]}}`;
    const allowed = words[piece.word];
    return allowed === 'any' ? '[^/]+?' : allowed.map((word) => escaped(safeWord(word))).join('|');
  });
  return new RegExp(`^${groups.map((group) => `(${group})`).join('')}$`, 'su');
};

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** Undefined for a day or an hour that no calendar and no clock has. */
const timeOf = ({
  yyyy,
  mm,
  dd,
  HH = 0,
  MM = 0,
  SS = 0,
}: Partial<Record<TimeField, number>>): Date | undefined => {
  if (yyyy === undefined || mm === undefined || dd === undefined) return undefined;
  const time = new Date(yyyy, mm - 1, dd, HH, MM, SS);
  const same = time.getMonth() === mm - 1 && time.getDate() === dd && MM < 60 && SS < 60 && HH < 24;
  return same ? time : undefined;
};
