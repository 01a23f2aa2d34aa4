// Whose an archive is: a mark beside it says which job made it, and no other job replaces or removes it.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { hasCode } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { SourceConfig } from '#sources/registry.ts';
import type { Store } from '#stores/store.ts';

const ownerShape = z.object({
  job: z.string(),
  host: z.string(),
  /** The configuration file. */
  file: z.string(),
  /** A print of what the job's sources are, without their secrets. */
  sources: z.string(),
});

/** A job of a configuration file of a machine. */
export type Owner = Readonly<z.output<typeof ownerShape>>;

/** What a mark says; 'hidden' when it may not be read, as that of another user; 'foreign' when it is none of ours. */
export type Mark = Owner | 'hidden' | 'foreign';

export const markOf = (key: string): string => `${key}.owner`;

export const printOf = (sources: readonly SourceConfig[]): string =>
  createHash('sha256')
    .update(JSON.stringify(sources.map((source) => [source.name, source.toJSON()])))
    .digest('hex')
    .slice(0, 16);

/** One owner, though its file was moved, or what its sources are has changed: of two files with a job of that name, both differ. */
export const isSameOwner = (one: Owner, other: Owner): boolean =>
  one.job === other.job &&
  one.host === other.host &&
  (one.file === other.file || one.sources === other.sources);

/** No mark is as long. */
const mostMarkBytes = 64 * 1024;

/** The mark of that key; undefined where there is none. What is listed there with too many bytes is not read. */
export const readMark = async (store: Store, key: string, listedBytes = 0): Promise<Mark | undefined> => {
  if (listedBytes > mostMarkBytes) return 'foreign';
  try {
    return parseMark(Buffer.from(await store.get(markOf(key))).toString('utf8'));
  } catch (error) {
    if (hasCode(error, 'OBJECT_MISSING')) return undefined;
    if (hasCode(error, 'STORE_DENIED')) return 'hidden';
    throw error;
  }
};

const parseMark = (text: string): Mark => {
  try {
    return ownerShape.parse(JSON.parse(text));
  } catch {
    return 'foreign'; // somebody else has a use for such a name
  }
};

export const putMark = (store: Store, key: string, owner: Owner): Promise<void> =>
  store.put(markOf(key), Buffer.from(`${JSON.stringify(owner)}\n`));

/** For messages. */
export const ownerText = ({ job, host, file }: Owner): string =>
  printable(`job ${job} of ${file} on ${host}`);
