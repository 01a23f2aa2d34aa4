// The folder that this process is in, which somebody may have removed meanwhile.
import { HoldfastError } from './errors.ts';

/** What Node's error means that it throws for a path without a slash in front, once the folder is gone; undefined for other errors. */
export const goneFolder = (cause: unknown): HoldfastError | undefined =>
  cause instanceof Error && 'syscall' in cause && cause.syscall === 'uv_cwd'
    ? new HoldfastError('USAGE', 'the folder that this runs in was removed', {
        cause,
        hint: 'go to one that is there (cd /), and run it again',
      })
    : undefined;

/** USAGE when it is gone. */
export const assertWorkingFolder = (): void => {
  try {
    process.cwd();
  } catch (error) {
    throw goneFolder(error) ?? error;
  }
};
