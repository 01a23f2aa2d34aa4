// The small files that a restore of a database cannot do without.
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { damagedSnapshot } from './damaged-snapshot.ts';

/** The content, if it has come; TARGET_FAILED otherwise. */
export const neededFile = <Content>(path: string, content: Content | undefined): Content => {
  if (content !== undefined) return content;
  throw new HoldfastError('TARGET_FAILED', `the snapshot’s ${path} did not come`, {
    hint: 'a restore needs all files in the database’s folder, besides the rows that are wanted',
  });
};

/** What its text says; TARGET_FAILED when it cannot be parsed. */
export const parsedFile = <Parsed>(path: string, text: string, parse: (text: string) => Parsed): Parsed => {
  try {
    return parse(text);
  } catch (cause) {
    throw damagedSnapshot(`${path} cannot be read: ${messageOf(cause)}`, cause);
  }
};
