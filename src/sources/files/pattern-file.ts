// Files with patterns, one a line, as restic's --exclude-file reads them.
import { readFileSync } from 'node:fs';
import { HoldfastError } from '#lib/errors.ts';
import { reasonOf } from './system-error.ts';

/** The patterns in these files. CONFIG_INVALID when one cannot be read. */
export const readPatternFiles = (
  files: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string[] => files.flatMap((file) => parsePatternFile(read(file), environment));

/** Blank lines and lines that begin with # are skipped, `$NAME` and `${NAME}` replaced; `$$` is a dollar sign. */
export const parsePatternFile = (
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => expand(line, environment));

const read = (file: string): string => {
  try {
    return decode(readFileSync(file));
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `cannot read the patterns in ${file}: ${reasonOf(cause)}`, {
      hint: 'excludeFile and iexcludeFile name files that this user may read',
      cause,
    });
  }
};

/** UTF-8, or UTF-16 when a byte order mark says so. */
const decode = (bytes: Buffer): string => {
  const mark = bytes.subarray(0, 2).toString('hex');
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
};

/** As a shell would, without its operators: a variable that is not set is empty, `$` before anything else stays. */
const expand = (line: string, environment: Readonly<Record<string, string | undefined>>): string =>
  line.replaceAll(
    /\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*)|([*#$@!?0-9-]))/g,
    (_, braced?: string, plain?: string, special?: string) =>
      special === '$' || braced === '$' ? '$' : (environment[braced ?? plain ?? ''] ?? ''),
  );
