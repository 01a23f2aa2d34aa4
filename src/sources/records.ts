// An ability of some kinds: to find single documents or rows by their key in what they dumped, without a source.
import type { Content } from './source.ts';

export interface RecordFinder {
  /** Whether a record of that key, if there is one, lies in that file; the path as the source made it. */
  holds(path: string, key: string): boolean;
  /** What a restore of records of that file needs besides it, such as folders of attachments. */
  beside(path: string): readonly string[];
  /** The records of that key in the content of such a file, each as the file has it, in the file's order. */
  read(content: Content, key: string): AsyncIterable<FoundRecord>;
}

export interface FoundRecord {
  readonly bytes: Uint8Array;
  /** What tells it from others of the same key: a revision. */
  readonly label: string;
}
