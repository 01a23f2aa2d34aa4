// Whether a file system has room left.
import { type FreeSpace, freeSpace } from '#lib/free-space.ts';
import { type Diagnosis, fine, warning } from './diagnosis.ts';

const gibibyte = 2 ** 30;
/** Less than this is next to nothing. */
const leastBytes = 100 * 2 ** 20;

/** Warns below a twentieth or a gibibyte, whichever is less; an error when next to nothing is left. */
export const spaceDiagnosis = (subject: string, path: string): Diagnosis => {
  let space: FreeSpace;
  try {
    space = freeSpace(path);
  } catch {
    return warning(
      subject,
      `the free space at ${path} cannot be found out`,
      'check that the folder is there',
    );
  }
  const { freeBytes, totalBytes } = space;
  const text = `${path}: ${(freeBytes / gibibyte).toFixed(1)} GiB free`;
  const hint = 'make room: shorten `keep` and run `holdfast prune`, or move to a larger disk';
  if (freeBytes < leastBytes) return { ...warning(subject, text, hint), level: 'error' };
  return freeBytes < Math.min(gibibyte, totalBytes / 20) ? warning(subject, text, hint) : fine(subject, text);
};
