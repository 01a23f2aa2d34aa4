// A server that speaks TDS and nothing else: logins are held against a list, and what a statement answers is the test's affair. It is made
// from the driver's own classes for messages, tokens and types, so that both sides cannot drift apart in what they call a packet.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { setImmediate as otherWork } from 'node:timers/promises';

const require = createRequire(import.meta.url);
/** Of the driver's files; they are CommonJS with the class as `default` or as a named export. */
const part = <Shape>(path: string): Shape => require(`tedious/lib/${path}`);

interface Writer {
  readonly data: Buffer;
  writeUInt8(value: number): void;
  writeUInt16LE(value: number): void;
  writeUInt32LE(value: number): void;
  writeUInt32BE(value: number): void;
  writeBigUInt64LE(value: bigint): void;
  writeBVarchar(text: string, encoding: 'ucs2'): void;
  writeUsVarchar(text: string, encoding: 'ucs2'): void;
  writeBuffer(bytes: Buffer): void;
}
interface DataType {
  writeTypeInfo(writer: Writer, parameter: object, options: object): void;
  writeValue(writer: Writer, parameter: object, options: object): void;
}
interface Message extends AsyncIterable<Buffer> {
  readonly type: number;
}
interface MessageStream extends NodeJS.WritableStream {
  [Symbol.asyncIterator](): AsyncIterator<Message>;
}
interface OutgoingMessage extends NodeJS.WritableStream {
  readonly type: number;
}

const Debug = part<{ default: new () => object } & (new () => object)>('debug');
const IncomingMessageStream = part<new (debug: object) => MessageStream>('incoming-message-stream');
const OutgoingMessageStream =
  part<new (debug: object, options: { packetSize: number }) => NodeJS.ReadWriteStream>(
    'outgoing-message-stream',
  );
const OutgoingMessageClass = part<new (options: { type: number }) => OutgoingMessage>('message');
const WritableTrackingBuffer = part<new () => Writer>('tracking-buffer/writable-tracking-buffer');
const PreloginPayload = part<new (options: object) => { readonly data: Buffer }>('prelogin-payload');
const { TYPE: packetTypes } = part<{ TYPE: Readonly<Record<string, number>> }>('packet');
const { TYPE: tokens } = part<{ TYPE: Readonly<Record<string, number>> }>('token/token');
const { versions } = part<{ versions: Readonly<Record<string, number>> }>('tds-versions');
const { TYPES } = part<{ TYPES: Readonly<Record<string, DataType>> }>('data-type');

export type Cell = string | number | boolean | Buffer | null;

export interface Refusal {
  readonly number: number;
  readonly message: string;
}

/** What a statement answers: rows, an error of the server, or an end of the connection. */
export type Answer =
  | {
      readonly columns: readonly string[];
      readonly rows: Iterable<readonly Cell[]>;
      readonly hangUpAfter?: number;
    }
  | { readonly error: Refusal }
  | { readonly ok: true };

export interface Session {
  readonly user: string;
  readonly database: string;
}

export interface TdsResponder extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  connections(): number;
}

export interface ResponderOptions {
  readonly logins: Readonly<Record<string, string>>;
  /** What every login is told instead of being let in. */
  readonly refusal?: Refusal;
  /** Whether a login may enter a database. */
  knowsDatabase(name: string): boolean;
  answer(sql: string, session: Session): Answer;
  /** Rows that came in bulk for the table of the INSERT BULK before. */
  bulk?(table: string, rows: readonly (string | Buffer | null)[][], session: Session): Answer;
}

/** Starts it on a free port of the loopback. */
export const startTdsResponder = async (options: ResponderOptions): Promise<TdsResponder> => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    void serve(socket, options).catch(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const serve = async (socket: Socket, options: ResponderOptions): Promise<void> => {
  const debug = new (Debug.default ?? Debug)();
  const incoming = new IncomingMessageStream(debug);
  const outgoing = new OutgoingMessageStream(debug, { packetSize: 4096 });
  socket.pipe(incoming);
  outgoing.pipe(socket);
  const closed = once(socket, 'close').catch(() => {}); // by an error, perhaps
  const send = async (type: number, pieces: Iterable<Buffer>): Promise<void> => {
    const message = new OutgoingMessageClass({ type });
    outgoing.write(message as unknown as string);
    for (const piece of pieces) {
      if (socket.destroyed) return;
      if (!message.write(piece)) await Promise.race([once(message, 'drain'), closed]);
    }
    message.end();
  };
  let session: Session = { user: '', database: '' };
  let bulkTable: string | undefined;
  for await (const message of { [Symbol.asyncIterator]: () => incoming[Symbol.asyncIterator]() }) {
    const data = await whole(message);
    await otherWork();
    switch (message.type) {
      case packetTypes.PRELOGIN:
        await send(packetTypes.TABULAR_RESULT as number, [preloginAnswer()]);
        break;
      case packetTypes.LOGIN7: {
        const login = readLogin(data);
        session = { user: login.user, database: login.database || 'master' };
        await send(packetTypes.TABULAR_RESULT as number, [loginAnswer(login, options)]);
        break;
      }
      case packetTypes.SQL_BATCH: {
        const sql = data.subarray(data.readUInt32LE(0)).toString('utf16le');
        bulkTable = /^insert bulk (\S+)/i.exec(sql)?.[1];
        const answer = bulkTable ? ({ ok: true } as const) : options.answer(sql, session);
        const hangUp = 'hangUpAfter' in answer && answer.hangUpAfter !== undefined;
        await send(packetTypes.TABULAR_RESULT as number, answerTokens(answer));
        if (hangUp) socket.destroySoon();
        break;
      }
      case packetTypes.BULK_LOAD: {
        const answer = options.bulk?.(bulkTable ?? '', readBulk(data), session) ?? refuseBulk;
        await send(packetTypes.TABULAR_RESULT as number, answerTokens(answer));
        break;
      }
      case packetTypes.ATTENTION:
        await send(packetTypes.TABULAR_RESULT as number, [doneToken({ attention: true })]);
        break;
      default:
        throw new Error(`a message of the type ${message.type} is not understood`);
    }
  }
};

const refuseBulk: Answer = {
  error: { number: 4834, message: 'You do not have permission to use the bulk load statement.' },
};

const whole = async (message: Message): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const preloginAnswer = (): Buffer =>
  new PreloginPayload({ encrypt: false, version: { major: 16, minor: 0, build: 1000, subbuild: 0 } }).data;

interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** [MS-TDS] 2.2.6.4: offsets and lengths of the texts stand at fixed places. */
const readLogin = (data: Buffer): Login => {
  const bytesAt = (place: number): Buffer => {
    const offset = data.readUInt16LE(place);
    return data.subarray(offset, offset + data.readUInt16LE(place + 2) * 2);
  };
  const password = Buffer.from(bytesAt(44).map((byte) => ((byte ^ 0xa5) << 4) | ((byte ^ 0xa5) >> 4)));
  return {
    user: bytesAt(40).toString('utf16le'),
    password: password.toString('utf16le'),
    database: bytesAt(68).toString('utf16le'),
  };
};

const loginAnswer = (
  { user, password, database }: Login,
  { logins, refusal, knowsDatabase }: ResponderOptions,
): Buffer => {
  if (refusal)
    return Buffer.concat([errorToken(refusal.number, refusal.message), doneToken({ error: true })]);
  const denied = errorToken(18_456, `Login failed for user '${user}'.`);
  if (logins[user] !== password) return Buffer.concat([denied, doneToken({ error: true })]);
  if (database !== '' && !knowsDatabase(database)) {
    const unknown = errorToken(
      4060,
      `Cannot open database "${database}" requested by the login. The login failed.`,
    );
    return Buffer.concat([unknown, denied, doneToken({ error: true })]);
  }
  const writer = new WritableTrackingBuffer();
  writer.writeUInt8(1); // T-SQL
  writer.writeUInt32BE(versions['7_4'] as number);
  writer.writeBVarchar('A responder for tests', 'ucs2');
  for (const byte of [16, 0, 0, 0]) writer.writeUInt8(byte);
  return Buffer.concat([token(tokens.LOGINACK as number, writer.data), doneToken({})]);
};

const token = (type: number, body: Buffer): Buffer => {
  const writer = new WritableTrackingBuffer();
  writer.writeUInt8(type);
  writer.writeUInt16LE(body.length);
  writer.writeBuffer(body);
  return writer.data;
};

const errorToken = (number: number, message: string): Buffer => {
  const writer = new WritableTrackingBuffer();
  writer.writeUInt32LE(number);
  writer.writeUInt8(1); // state
  writer.writeUInt8(16); // class: the user may correct it
  writer.writeUsVarchar(message, 'ucs2');
  writer.writeBVarchar('responder', 'ucs2');
  writer.writeBVarchar('', 'ucs2');
  writer.writeUInt32LE(1);
  return token(tokens.ERROR as number, writer.data);
};

const doneToken = (state: {
  readonly error?: boolean;
  readonly attention?: boolean;
  readonly rows?: number;
}): Buffer => {
  const writer = new WritableTrackingBuffer();
  writer.writeUInt8(tokens.DONE as number);
  writer.writeUInt16LE(
    (state.error ? 0x02 : 0) | (state.rows === undefined ? 0 : 0x10) | (state.attention ? 0x20 : 0),
  );
  writer.writeUInt16LE(0);
  writer.writeBigUInt64LE(BigInt(state.rows ?? 0));
  return writer.data;
};

function* answerTokens(answer: Answer): Generator<Buffer> {
  if ('error' in answer) {
    yield errorToken(answer.error.number, answer.error.message);
    yield doneToken({ error: true });
    return;
  }
  if ('ok' in answer) {
    yield doneToken({ rows: 0 });
    return;
  }
  const rows = answer.rows[Symbol.iterator]();
  let next = rows.next();
  const types = answer.columns.map((_, at) => typeOf(next.done ? null : next.value[at]));
  yield columnsToken(answer.columns, types);
  let count = 0;
  for (; !next.done; next = rows.next(), count += 1) {
    if (count === answer.hangUpAfter) return;
    yield rowToken(next.value, types);
  }
  yield doneToken({ rows: count });
}

/** Numbers and truth values as such, bytes as varbinary(max), all else as nvarchar(max): by the first row. */
const typeOf = (cell: Cell | undefined): DataType => {
  if (typeof cell === 'number') return (Number.isInteger(cell) ? TYPES.Int : TYPES.Float) as DataType;
  if (typeof cell === 'boolean') return TYPES.Bit as DataType;
  return (Buffer.isBuffer(cell) ? TYPES.VarBinary : TYPES.NVarChar) as DataType;
};

const unlimited = 65_535;

const columnsToken = (names: readonly string[], types: readonly DataType[]): Buffer => {
  const writer = new WritableTrackingBuffer();
  writer.writeUInt8(tokens.COLMETADATA as number);
  writer.writeUInt16LE(names.length);
  for (const [at, name] of names.entries()) {
    writer.writeUInt32LE(0); // user type
    writer.writeUInt16LE(1); // nullable
    types[at]?.writeTypeInfo(writer, { length: unlimited }, {});
    writer.writeBVarchar(name, 'ucs2');
  }
  return writer.data;
};

const rowToken = (cells: readonly Cell[], types: readonly DataType[]): Buffer => {
  const writer = new WritableTrackingBuffer();
  writer.writeUInt8(tokens.ROW as number);
  for (const [at, type] of types.entries()) {
    const cell = cells[at] ?? null;
    const value = type === TYPES.NVarChar && cell !== null ? `${cell}` : cell;
    type.writeValue(writer, { value, length: unlimited }, {});
  }
  return writer.data;
};

/** Rows of a bulk load whose columns are all nvarchar(max) or varbinary(max). */
const readBulk = (data: Buffer): (string | Buffer | null)[][] => {
  let at = 1;
  const columns = data.readUInt16LE(at);
  at += 2;
  const isText: boolean[] = [];
  for (let column = 0; column < columns; column += 1) {
    at += 6;
    isText.push(data.readUInt8(at) === 0xe7);
    at += 3 + (isText.at(-1) ? 5 : 0);
    at += 1 + data.readUInt8(at) * 2;
  }
  const rows: (string | Buffer | null)[][] = [];
  const value = (text: boolean): string | Buffer | null => {
    const total = data.readBigUInt64LE(at);
    at += 8;
    if (total === 2n ** 64n - 1n) return null;
    const chunks: Buffer[] = [];
    for (;;) {
      const length = data.readUInt32LE(at);
      at += 4;
      if (length === 0) break;
      chunks.push(data.subarray(at, at + length));
      at += length;
    }
    const bytes = Buffer.concat(chunks);
    return text ? bytes.toString('utf16le') : bytes;
  };
  while (data.readUInt8(at) === tokens.ROW) {
    at += 1;
    rows.push(isText.map(value));
  }
  return rows;
};
