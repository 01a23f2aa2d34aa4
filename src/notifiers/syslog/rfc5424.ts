// A notice as a syslog message: https://www.rfc-editor.org/rfc/rfc5424
import { printable } from '#lib/format.ts';
import type { Notice, Severity } from '../notice.ts';
import { countsLine, shortened } from '../notice-text.ts';

export const facilities = [
  'user',
  'daemon',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;
export type Facility = (typeof facilities)[number];

const facilityCodes: Readonly<Record<Facility, number>> = {
  user: 1,
  daemon: 3,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
};

export const severityNames: Readonly<Record<Severity, string>> = {
  info: 'info',
  warning: 'warning',
  error: 'err',
};
const severityCodes: Readonly<Record<Severity, number>> = { info: 6, warning: 4, error: 3 };

/** Receivers must take 480 bytes, should take 2048 (section 6.1); the line stays well below, also with wide letters. */
const mostLetters = 1000;

/** What the log says of a notice, in one line: the title, and how many items failed. */
export const lineOf = (notice: Notice): string => {
  const counts = notice.run === undefined ? '' : `; ${countsLine(notice.run)}`;
  return shortened(printable(`${notice.title}${counts}`), mostLetters);
};

/** The whole message. */
export const frame = (notice: Notice, facility: Facility, tag: string): string => {
  const priority = facilityCodes[facility] * 8 + severityCodes[notice.severity];
  const head = `<${priority}>1 ${notice.at.toISOString()} ${name(notice.host, 255)} ${tag} ${process.pid} ${notice.event}`;
  return `${head} ${data(notice)} ${lineOf(notice)}`;
};

/** 32473 is the number that RFC 5612 keeps for whoever has none. */
const data = ({ severity, job, run, thread }: Notice): string => {
  const values = { severity, job, run: run?.id, verb: run?.verb, state: run?.state, thread: thread?.id };
  const parameters = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${value.replaceAll(/["\\\]]/g, '\\$&')}"`],
  );
  return `[holdfast@32473 ${parameters.join(' ')}]`;
};

/** Printable ASCII without blanks. */
const name = (text: string, limit: number): string => text.replaceAll(/[^!-~]/g, '_').slice(0, limit) || '-';
