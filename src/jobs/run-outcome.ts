// How a run ended, from how its parts ended.
import { exitStatus } from '#lib/errors.ts';

/** 'skipped': nothing was begun, and nothing is wrong. */
export type RunState = 'ok' | 'partial' | 'failed' | 'skipped';

export interface Ended {
  readonly state: RunState;
  /** The exit status that says so. */
  readonly status: number;
}

export const ok: Ended = { state: 'ok', status: 0 };
export const skippedRun: Ended = { state: 'skipped', status: 0 };
export const partial: Ended = { state: 'partial', status: 3 };
export const failed = (error: unknown): Ended => ({ state: 'failed', status: exitStatus(error) });

/**
 * Of several parts, but for those that were skipped: ok when all are, failed (as the first one failed) when none achieved
 * anything, partial otherwise. A part that is alone ended as all of it did.
 */
export const together = (all: readonly Ended[]): Ended => {
  const parts = all.filter(({ state }) => state !== 'skipped');
  const [first, ...others] = parts;
  if (first === undefined) return all.length > 0 ? skippedRun : ok;
  if (others.length === 0 || parts.every(({ state }) => state === 'failed')) return first;
  return parts.every(({ state }) => state === 'ok') ? ok : partial;
};
