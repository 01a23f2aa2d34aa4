// How a run ended, from how its parts ended.
import { exitStatus } from '#lib/errors.ts';

export type RunState = 'ok' | 'partial' | 'failed';

export interface Ended {
  readonly state: RunState;
  /** The exit status that says so. */
  readonly status: number;
}

export const ok: Ended = { state: 'ok', status: 0 };
export const partial: Ended = { state: 'partial', status: 3 };
export const failed = (error: unknown): Ended => ({ state: 'failed', status: exitStatus(error) });

/** Of several parts: ok when all are, failed (as the first one failed) when none achieved anything, partial otherwise. */
export const together = (parts: readonly Ended[]): Ended => {
  if (parts.every(({ state }) => state === 'ok')) return ok;
  const [first] = parts;
  return first !== undefined && parts.every(({ state }) => state === 'failed') ? first : partial;
};
