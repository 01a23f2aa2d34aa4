// A file as a listing tells of it.
import type { HoldfastError } from '#lib/errors.ts';
import type { Checksum } from './checksum.ts';

export interface ListedFile {
  /** What its copy is called, and what it is known by. */
  readonly path: string;
  /** The name of the place that has it, where there are several; '' for the only one. */
  readonly place: string;
  /** What it is called there. */
  readonly key: string;
  /** The bucket that the place must be, where the listing says so. */
  readonly bucket?: string | undefined;
  readonly sizeBytes?: number | undefined;
  /** The size was not told by somebody else: the store itself has just said so. */
  readonly sizeIsSeen?: true;
  readonly checksum?: Checksum | undefined;
  /** When it came to be, in the words of the listing. */
  readonly created?: string | undefined;
  /** When its content last changed, where the listing knows. */
  readonly modified?: Date | undefined;
  /** What the status table calls it. */
  readonly dataset: string;
  readonly storage: string;
  /** Why it cannot be copied, whatever is tried. */
  readonly flaw?: HoldfastError | undefined;
}

/** What is said of its content, as a text that changes with it. */
export const listedContent = ({ sizeBytes, checksum, modified, place, key }: ListedFile): string =>
  JSON.stringify([
    place,
    key,
    sizeBytes ?? null,
    checksum ? `${checksum.type} ${checksum.value}` : null,
    modified?.getTime() ?? null,
  ]);
