// What every scenario is given, and what it gives.
import type { Comparison } from './comparison.ts';
import type { Tool } from './tools/tool.ts';

export type Scale = 'quick' | 'full';

export interface Bench {
  /** Its own and empty; removed afterwards. */
  readonly folder: string;
  readonly scale: Scale;
  readonly rounds: number;
  /** Holdfast first. */
  readonly tools: readonly Tool[];
  /** Tells the person who waits what is going on. */
  note(text: string): void;
}

export interface Scenario {
  /** For --only. */
  readonly name: string;
  /** Why it cannot run on this machine. */
  skip?(): string | undefined;
  run(bench: Bench): AsyncIterable<Comparison>;
}
