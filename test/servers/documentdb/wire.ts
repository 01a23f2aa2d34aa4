// MongoDB's wire protocol as far as a driver speaks it: OP_MSG, and OP_QUERY for the first greeting
// (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/).

/** A command as it came: its document, and the documents that came beside it. */
export interface Request {
  readonly id: number;
  /** Raw BSON. */
  readonly body: Buffer;
  /** Of a section of kind 1: BSON documents, one after the other. */
  readonly sequence: Buffer | undefined;
  /** Whether somebody waits for the reply, and in which form. */
  readonly answer: 'message' | 'legacy' | 'none';
}

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;
const headerBytes = 16;

/** Cuts what has come into messages; what is left waits for more. */
export class MessageReader {
  #pending: Buffer[] = [];
  #bytes = 0;

  *push(bytes: Buffer): Generator<Request> {
    this.#pending.push(bytes);
    this.#bytes += bytes.length;
    while (this.#bytes >= this.#needed()) {
      const all = Buffer.concat(this.#pending);
      const length = all.readInt32LE(0);
      this.#pending = [all.subarray(length)];
      this.#bytes -= length;
      yield parseMessage(all.subarray(0, length));
    }
  }

  /** How many bytes there must be to go on: a large message is put together once. */
  #needed(): number {
    const [first] = this.#pending;
    if (this.#bytes < headerBytes || !first) return headerBytes;
    if (first.length >= 4) return Math.max(headerBytes, first.readInt32LE(0));
    return Math.max(headerBytes, Buffer.concat(this.#pending).readInt32LE(0));
  }
}

const parseMessage = (message: Buffer): Request => {
  const id = message.readInt32LE(4);
  const opcode = message.readInt32LE(12);
  if (opcode === opQuery) {
    const name = message.indexOf(0, headerBytes + 4);
    return { id, body: message.subarray(name + 9), sequence: undefined, answer: 'legacy' };
  }
  if (opcode !== opMsg) throw new Error(`opcode ${opcode} is not known here`);
  return parseSections(id, message);
};

const parseSections = (id: number, message: Buffer): Request => {
  const flags = message.readUInt32LE(headerBytes);
  const hasChecksum = (flags & 1) !== 0;
  const moreToCome = (flags & 2) !== 0;
  const end = message.length - (hasChecksum ? 4 : 0);
  let body: Buffer = Buffer.alloc(0);
  let sequence: Buffer | undefined;
  for (let at = headerBytes + 4; at < end; ) {
    const kind = message[at];
    const start = at + 1;
    const length = message.readInt32LE(start);
    if (kind === 0) body = message.subarray(start, start + length);
    else sequence = message.subarray(message.indexOf(0, start + 4) + 1, start + length);
    at = start + length;
  }
  return { id, body, sequence, answer: moreToCome ? 'none' : 'message' };
};

/** The reply to a request, with this document. */
export const formatReply = ({ id, answer }: Request, document: Uint8Array): Buffer => {
  const head = Buffer.alloc(answer === 'legacy' ? headerBytes + 20 : headerBytes + 5);
  head.writeInt32LE(head.length + document.length, 0);
  head.writeInt32LE(id, 8);
  head.writeInt32LE(answer === 'legacy' ? opReply : opMsg, 12);
  if (answer === 'legacy') {
    head.writeInt32LE(8, headerBytes); // AwaitCapable
    head.writeInt32LE(1, headerBytes + 16); // documents
  }
  return Buffer.concat([head, document]);
};
