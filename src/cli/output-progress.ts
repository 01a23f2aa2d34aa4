// The numbers of the work under way, and when it is time to show them again.
import type { Clock } from '#lib/clock.ts';
import { formatBytes, formatCount, printable } from '#lib/format.ts';
import type { Progress } from '#lib/progress.ts';
import type { Message } from './output.ts';
import { displayWidth, fitWidth, formatStopwatch } from './output-format.ts';

/** 'live' is drawn in place, 'plain' one line at a time, 'json' one object at a time. */
export type ProgressMode = 'live' | 'plain' | 'json';

const pauseMs = { live: 100, plain: 30_000, json: 1000 } as const satisfies Record<ProgressMode, number>;
const rateWindowMs = 10_000;

interface Sample {
  readonly at: number;
  readonly bytes: number;
  readonly items: number;
}

export class ProgressLine {
  readonly #clock: Clock;
  #subject = '';
  #progress: Progress | undefined;
  #startedAt = 0;
  #shownAt = 0;
  #visible = false;
  #samples: Sample[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  update(subject: string, progress: Progress): void {
    const at = this.#clock.now().getTime();
    if (
      this.#progress === undefined ||
      subject !== this.#subject ||
      progress.phase !== this.#progress.phase
    ) {
      this.#startedAt = at;
      this.#samples = [];
      if (this.#progress === undefined) this.#shownAt = at; // short work needs no progress at all
    }
    this.#subject = subject;
    this.#progress = progress;
    this.#sample({ at, bytes: progress.bytes, items: progress.items });
  }

  /** True when enough time has passed since it was last shown; it then counts as shown. */
  due(mode: ProgressMode): boolean {
    const at = this.#clock.now().getTime();
    if (this.#progress === undefined || at - this.#shownAt < pauseMs[mode]) return false;
    this.#shownAt = at;
    this.#visible = mode === 'live';
    return true;
  }

  /** Returns whether a drawn line has to be wiped. */
  hide(): boolean {
    const visible = this.#visible;
    this.#visible = false;
    return visible;
  }

  clear(): boolean {
    this.#progress = undefined;
    this.#samples = [];
    return this.hide();
  }

  /** One line, cut to so many columns: what gives way first is the name of what is being worked on. */
  line(columns = Number.POSITIVE_INFINITY): string {
    const progress = this.#progress;
    if (progress === undefined) return '';
    const { bytesPerSecond, secondsLeft } = this.#pace();
    const parts = [
      `[${formatStopwatch(this.#elapsedMs())}]`,
      `${printable(this.#subject)}: ${progress.phase}`,
      ...share(progress),
      amount(progress.bytes, progress.totalBytes, formatBytes, progress.estimated ? 'of about' : 'of'),
      withUnit(amount(progress.items, progress.totalItems, formatCount, 'of'), progress),
      ...(bytesPerSecond > 0 ? [`${formatBytes(bytesPerSecond)}/s`] : []),
      ...(secondsLeft === undefined ? [] : [`${formatStopwatch(secondsLeft * 1000)} left`]),
    ].filter((part) => part !== '');
    const line = parts.join('  ');
    const room = columns - 1 - displayWidth(line) - 2;
    if (progress.current === undefined || room < 8) return fitWidth(line, columns - 1);
    return `${line}  ${fitWidth(printable(progress.current), room)}`;
  }

  message(): Message {
    const progress = this.#progress as Progress;
    const { bytesPerSecond, secondsLeft } = this.#pace();
    return {
      message_type: 'status',
      subject: this.#subject,
      phase: progress.phase,
      seconds_elapsed: Math.round(this.#elapsedMs() / 1000),
      seconds_remaining: secondsLeft === undefined ? undefined : Math.round(secondsLeft),
      bytes_done: progress.bytes,
      total_bytes: progress.totalBytes,
      items_done: progress.items,
      total_items: progress.totalItems,
      bytes_per_second: Math.round(bytesPerSecond),
      current: progress.current,
    };
  }

  #elapsedMs(): number {
    return this.#clock.now().getTime() - this.#startedAt;
  }

  #sample(sample: Sample): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && sample.at - last.at < 200) return;
    this.#samples.push(sample);
    while (this.#samples.length > 2 && sample.at - (this.#samples[0] as Sample).at > rateWindowMs)
      this.#samples.shift();
  }

  /** Speed over the last ten seconds, and the time left at that speed when a total is known. */
  #pace(): { bytesPerSecond: number; secondsLeft: number | undefined } {
    const first = this.#samples[0];
    const progress = this.#progress;
    if (first === undefined || progress === undefined) return { bytesPerSecond: 0, secondsLeft: undefined };
    const seconds = (this.#clock.now().getTime() - first.at) / 1000;
    if (seconds < 0.5) return { bytesPerSecond: 0, secondsLeft: undefined };
    const bytesPerSecond = Math.max(0, progress.bytes - first.bytes) / seconds;
    const itemsPerSecond = Math.max(0, progress.items - first.items) / seconds;
    return {
      bytesPerSecond,
      secondsLeft:
        left(progress.bytes, progress.totalBytes, bytesPerSecond) ??
        left(progress.items, progress.totalItems, itemsPerSecond),
    };
  }
}

const left = (done: number, total: number | undefined, perSecond: number): number | undefined =>
  total === undefined || perSecond <= 0 || total <= done ? undefined : (total - done) / perSecond;

const share = ({ bytes, totalBytes, items, totalItems }: Progress): readonly string[] => {
  const of = totalBytes ? bytes / totalBytes : totalItems ? items / totalItems : undefined;
  return of === undefined ? [] : [`${Math.min(99.9, of * 100).toFixed(1)}%`];
};

const amount = (
  done: number,
  total: number | undefined,
  format: (value: number) => string,
  of: string,
): string => {
  if (total === undefined) return done === 0 ? '' : format(done);
  return `${format(done)} ${of} ${format(total)}`;
};

const withUnit = (text: string, { items, totalItems = items }: Progress): string =>
  text === '' ? '' : `${text} ${totalItems === 1 ? 'item' : 'items'}`;
