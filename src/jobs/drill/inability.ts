// What a scratch place could not do says nothing of the snapshot: a drill that meets it is no difference, and nobody knows.
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import type { ScratchPlace } from '#sources/source.ts';

/** Whether the error, or what lies beneath it, is of the place alone. */
export const isInability = (place: ScratchPlace, error: unknown): boolean => {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (place.saysNothing?.(cause)) return true;
  return false;
};

/** As the end of a drill: that one item was not read says too little. */
export const asInability = (error: unknown): HoldfastError => {
  const code = error instanceof HoldfastError && error.kind.item !== true ? error.code : 'FAILED';
  return new HoldfastError(code, messageOf(error), { cause: error, hint: hintOf(error) });
};
