// The few packets of the client/server protocol that are met after login
// (https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html, https://mariadb.com/kb/en/clientserver-protocol/).
// Login asks for none of the later abilities that would change them: no session tracking, no query attributes, EOF packets kept.
import { ServerError } from './server-error.ts';

export const headerBytes = 4;
/** A payload of this length goes on in the next packet. */
export const longestPayload = 0xffffff;

export const marker = { ok: 0x00, infile: 0xfb, eof: 0xfe, error: 0xff } as const;

/** Takes a stream of bytes apart into payloads, for as long as these are wanted. */
export class PacketReader {
  readonly #onPayload: (payload: Buffer) => 'go on' | 'stop';
  #bytes: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #sequence: number | undefined;

  constructor(onPayload: (payload: Buffer) => 'go on' | 'stop') {
    this.#onPayload = onPayload;
  }

  /** The number of the packet that comes next. */
  get sequence(): number {
    return this.#sequence ?? 0;
  }

  /** Packets go the other way now, which are counted with those that come: as many as the server has read when it answers. */
  acceptAnyNumber(): void {
    this.#sequence = undefined;
  }

  take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= headerBytes) {
      const length = this.#bytes.readUIntLE(0, 3);
      if (this.#bytes.length < headerBytes + length) return;
      const number = this.#bytes[3] ?? 0;
      if (number !== (this.#sequence ?? number)) throw outOfOrder();
      this.#sequence = (number + 1) & 0xff;
      const payload = this.#bytes.subarray(headerBytes, headerBytes + length);
      this.#bytes = this.#bytes.subarray(headerBytes + length);
      this.#parts.push(payload);
      if (length === longestPayload) continue;
      const whole = this.#parts.length === 1 ? payload : Buffer.concat(this.#parts);
      this.#parts = [];
      if (this.#onPayload(whole) === 'stop') return;
    }
  }

  /** What has come and was not wanted. */
  release(): Buffer {
    return this.#bytes;
  }
}

/** What came between was lost, or a length is not what the server sent. */
export const outOfOrder = (): Error => new Error('packets of the server came out of order');

/** A payload as packets, the first with this number. */
export const packetsOf = (payload: Buffer, sequence = 0): Buffer => {
  const packets: Buffer[] = [];
  for (let at = 0, number = sequence; ; at += longestPayload, number += 1) {
    const part = payload.subarray(at, at + longestPayload);
    const header = Buffer.alloc(headerBytes);
    header.writeUIntLE(part.length, 0, 3);
    header[3] = number & 0xff;
    packets.push(header, part);
    if (part.length < longestPayload) return Buffer.concat(packets);
  }
};

const commandQuery = Buffer.from([0x03]);
/** COM_QUERY. A statement that is no text in UTF-8 comes as bytes. */
export const queryPackets = (sql: string | Buffer): Buffer =>
  packetsOf(Buffer.concat([commandQuery, typeof sql === 'string' ? Buffer.from(sql) : sql]));

/** COM_QUIT. */
export const quitPacket = packetsOf(Buffer.from([0x01]));

/** Reads length-encoded integers and strings one after the other. */
export class Fields {
  readonly #payload: Buffer;
  #at: number;

  constructor(payload: Buffer, at = 0) {
    this.#payload = payload;
    this.#at = at;
  }

  integer(): number {
    const first = this.#payload[this.#at++] ?? 0;
    if (first < 0xfb) return first;
    const bytes = first === 0xfc ? 2 : first === 0xfd ? 3 : 8;
    const value =
      bytes === 8
        ? Number(this.#payload.readBigUInt64LE(this.#at))
        : this.#payload.readUIntLE(this.#at, bytes);
    this.#at += bytes;
    return value;
  }

  bytes(): Buffer {
    const length = this.integer();
    const start = this.#at;
    this.#at += length;
    return this.#payload.subarray(start, this.#at);
  }

  /** Undefined for NULL. */
  value(): Buffer | undefined {
    if (this.#payload[this.#at] !== marker.infile) return this.bytes();
    this.#at += 1;
    return undefined;
  }
}

/** EOF: told from a row by its length. */
export const isEof = (payload: Buffer): boolean => payload[0] === marker.eof && payload.length < 9;

export const columnName = (payload: Buffer): string => {
  const fields = new Fields(payload);
  for (let skipped = 0; skipped < 4; skipped += 1) fields.bytes(); // catalogue, schema, table, original table
  return fields.bytes().toString();
};

export interface Done {
  readonly affectedRows: number;
  readonly warnings: number;
  /** 'Records: 3  Deleted: 0  Skipped: 0  Warnings: 0' */
  readonly info: string;
}

export const doneOf = (payload: Buffer): Done => {
  const fields = new Fields(payload, 1);
  const affectedRows = fields.integer();
  const insertId = fields.integer();
  const statusAt = 1 + lengthOf(affectedRows) + lengthOf(insertId);
  return {
    affectedRows,
    warnings: payload.readUInt16LE(statusAt + 2),
    info: payload.subarray(statusAt + 4).toString(),
  };
};

/** How many bytes the length-encoded integer takes. */
const lengthOf = (value: number): number =>
  value < 0xfb ? 1 : value < 0x10000 ? 3 : value < 0x1000000 ? 4 : 9;

export const errorOf = (payload: Buffer): ServerError => {
  const errno = payload.readUInt16LE(1);
  const hasState = payload[3] === '#'.charCodeAt(0);
  const state = hasState ? payload.toString('latin1', 4, 9) : 'HY000';
  return new ServerError(errno, state, payload.toString('utf8', hasState ? 9 : 3));
};
