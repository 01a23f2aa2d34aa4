// What is under way, as numbers that a terminal, a log or JSON can show.

/** Totals are absent while they are not known. */
export interface Progress {
  readonly phase: string;
  readonly bytes: number;
  readonly totalBytes?: number;
  /** `totalBytes` is a guess, such as what it was the last time. */
  readonly estimated?: true;
  readonly items: number;
  readonly totalItems?: number;
  /** What is being worked on right now. */
  readonly current?: string;
}

export type OnProgress = (progress: Progress) => void;
