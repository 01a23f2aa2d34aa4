// Paths of a snapshot that somebody else may have made.
import { HoldfastError } from '#lib/errors.ts';

/** PATH_UNSAFE for a path that could leave its place; `kind` is what the snapshot should have been made from. */
export const assertSafePath = (path: string, kind: string): void => {
  if (unsafePath.test(path))
    throw new HoldfastError('PATH_UNSAFE', `the snapshot has the path ${JSON.stringify(path)}`, {
      hint: `it was not made by holdfast from ${kind}; restore it into a folder`,
    });
};

/** Absolute, empty or dotted parts, or a NUL. */
const unsafePath = /^\/|(^|\/)\.{0,2}(\/|$)|\0/;

/** What the file at a path is in the layout of `kind`; a path that has no place there is refused, TARGET_FAILED. */
export const placeIn = <Place>(
  path: string,
  kind: string,
  placeOf: (parts: readonly string[]) => Place | undefined,
): Place => {
  assertSafePath(path, kind);
  const place = placeOf(path.split('/'));
  if (place) return place;
  throw new HoldfastError('TARGET_FAILED', `${JSON.stringify(path)} is no part of a backup of ${kind}`, {
    hint: 'restore this snapshot into a folder, or into the kind of source it came from',
  });
};
