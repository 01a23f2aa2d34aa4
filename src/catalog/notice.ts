// What the catalog remembers of notices: which troubles are not over, who was told of them, and which notifiers work.
import type { ErrorReport } from './run.ts';

/** Something that is not well for a while, from the first bad run to the next good one. */
export interface Trouble {
  /** The thread of its notices. */
  readonly id: string;
  /** 'job nightly', 'notifier ops'. */
  readonly subject: string;
  /** What it is by now: 'failure', 'partial', 'missed', … */
  readonly event: string;
  /** What was said of it last. */
  readonly text: string;
  readonly since: Date;
  readonly last: Date;
  readonly runs: number;
}

export interface Delivery {
  readonly at: Date;
  readonly notifier: string;
  readonly event: string;
  readonly title: string;
  readonly job?: string;
  readonly run?: string;
  /** The id of the trouble it is about. */
  readonly trouble?: string;
  readonly attempts: number;
  /** Absent: the other side has taken it. */
  readonly error?: ErrorReport;
}

export interface NotifierState {
  readonly notifier: string;
  readonly last: Delivery;
  /** When it last took a notice; absent when it never did. */
  readonly worked?: Date;
}

export interface NoticeLedger {
  /** The trouble of this subject that is not over. */
  trouble(subject: string): Trouble | undefined;
  /** All that are not over, the oldest first. */
  troubles(): Trouble[];
  /** One more bad run: the trouble begins with it, or goes on. */
  worsen(subject: string, event: string, text: string, at: Date): Trouble;
  /** The trouble of this subject is over; returns it when there was one. */
  end(subject: string, at: Date): Trouble | undefined;
  record(delivery: Delivery): void;
  /** What this notifier took last of that trouble; of one event when it is given. One dated far ahead only where there is no other. */
  lastTold(
    notifier: string,
    filter: { readonly trouble: string } | { readonly event: string },
    now: Date,
  ): Delivery | undefined;
  /** How the last notice to each fared; one dated far ahead counts only where there is no other. */
  notifiers(now: Date): NotifierState[];
}
