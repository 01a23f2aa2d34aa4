// How rows lie in a stream of bytes, one after the other, and where each ends.

/** 'lines': each ends with \n (COPY text, SQL or JSON lines). 'bson': documents, each of which begins with its length, a little-endian int32. */
export const rowFormats = ['lines', 'bson'] as const;
export type RowFormat = (typeof rowFormats)[number];

/** Finds where rows end in a stream that comes in pieces; rows may begin and end anywhere in them. */
export interface RowEnds {
  /** Where the row ends that begins or goes on at this place of the piece; -1 when it goes on in the next one. */
  next(piece: Buffer, at: number): number;
}

export const rowEnds = (format: RowFormat): RowEnds => (format === 'lines' ? lineEnds : new DocumentEnds());

const newline = 0x0a;

const lineEnds: RowEnds = { next: (piece, at) => piece.indexOf(newline, at) + 1 || -1 };

const lengthBytes = 4;
/** What says that it is shorter counts as this, so that each document has its end. */
const smallestDocument = 5;

class DocumentEnds implements RowEnds {
  /** Of the document under way. */
  #length = 0;
  #taken = 0;

  next(piece: Buffer, at: number): number {
    let place = at;
    for (; this.#taken < lengthBytes; this.#taken += 1) {
      if (place >= piece.length) return -1;
      this.#length += (piece[place++] as number) * 2 ** (8 * this.#taken);
    }
    const end = place + Math.max(smallestDocument, this.#length) - this.#taken;
    if (end > piece.length) {
      this.#taken += piece.length - place;
      return -1;
    }
    this.#length = 0;
    this.#taken = 0;
    return end;
  }
}
