// Who is told of what, and how it is put: pure decisions, so that a year of them can be tried in a moment.
import type { Delivery, Trouble } from '#catalog/notice.ts';
import { isFarAhead } from '#catalog/wrong-clock.ts';
import type { Occasion, Subscription } from '#config/notify.ts';
import { durationMs } from '#lib/duration.ts';
import { formatTime, plural } from '#lib/format.ts';
import type { NoticeEvent, RunSummary, Severity } from '#notifiers/notice.ts';

/** What is not well, or no longer. */
export type BadEvent = Extract<NoticeEvent, 'failure' | 'partial' | 'suspicious' | 'missed' | 'trouble'>;

/** Something happened that somebody may have to know. */
export interface Occurrence {
  /** What a trouble is remembered by: 'job nightly'. */
  readonly subject: string;
  /** What it is called in a sentence: 'nightly', 'notifier ops'. */
  readonly name: string;
  readonly event: 'start' | 'success' | BadEvent;
  /** What is to be said of it, in a line; may be empty. */
  readonly text: string;
  readonly paragraphs: readonly string[];
  readonly job?: string;
  readonly run?: RunSummary;
}

/** An occurrence beside what went before. */
export interface Standing {
  readonly occurrence: Occurrence;
  /** The trouble it belongs to, or has ended. */
  readonly trouble: Trouble | undefined;
  readonly now: Date;
}

const isBad = (event: Occurrence['event']): event is BadEvent => event !== 'start' && event !== 'success';

const usual: readonly Occasion[] = ['failure', 'partial', 'suspicious', 'recovery', 'missed'];

/** What the notifier is told, if anything. `told` is what it took last of this trouble; `watches` as the notifier has it. */
export const eventFor = (
  { when, remind }: Subscription,
  watches: boolean,
  { occurrence: { event }, trouble, now }: Standing,
  told: Delivery | undefined,
): NoticeEvent | undefined => {
  const occasions = when ?? (watches ? ['always'] : usual);
  const always = occasions.includes('always');
  if (isBad(event)) {
    const occasion = event === 'trouble' ? 'failure' : event;
    const isDue =
      told === undefined ||
      told.event !== event ||
      isFarAhead(told.at, now) ||
      now.getTime() - told.at.getTime() >= (durationMs(remind) ?? 0);
    return always || (occasions.includes(occasion) && isDue) ? event : undefined;
  }
  const over = event === 'success' && trouble !== undefined;
  if (always) return over ? 'recovery' : event;
  return over && told !== undefined && occasions.includes('recovery') ? 'recovery' : undefined;
};

export const severityOf = (event: NoticeEvent): Severity =>
  event === 'failure' || event === 'missed'
    ? 'error'
    : event === 'partial' || event === 'suspicious' || event === 'trouble'
      ? 'warning'
      : 'info';

/** How it is put the first time, and when it goes on. */
const phrases: Readonly<Record<BadEvent, readonly [first: string, again: string]>> = {
  failure: ['failed', 'still fails'],
  partial: ['is not whole', 'is still not whole'],
  suspicious: ['looks suspicious', 'still looks suspicious'],
  missed: ['did not run', 'still did not run'],
  trouble: ['is in trouble', 'is still in trouble'],
};

/** 'nightly still fails, since 2026-11-21 03:30:00, 7 runs: no server at db:5432'. */
export const titleOf = ({ occurrence, trouble }: Standing): string => {
  const { name, event, text } = occurrence;
  if (event === 'start') return `${name} has begun`;
  const tail = text === '' ? '' : `: ${text}`;
  if (event === 'success')
    return trouble ? `${name} is well again; it was not ${lasted(trouble)}` : `${name} went well${tail}`;
  const [first, again] = phrases[event];
  if (trouble === undefined || trouble.runs <= 1) return `${name} ${first}${tail}`;
  return `${name} ${again}, ${lasted(trouble)}${tail}`;
};

/** Troubles that are not of a job are counted by how often they were seen, which says nothing. */
const lasted = ({ subject, since, runs }: Trouble): string =>
  `since ${formatTime(since)}${subject.startsWith('job ') ? `, ${plural(runs, 'run')}` : ''}`;
