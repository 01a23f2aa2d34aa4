// A front for the engine that speaks MongoDB's wire protocol: commands, cursors, SCRAM-SHA-256, and the reads of a replica set
// at one point in time, for which PostgreSQL has exported snapshots. For tests on the loopback only.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { BSON, type Document } from 'mongodb';
import { type Command, cursorFunctions, errorReply, handlers, type Reply, type Runner } from './commands.ts';
import { Cursors } from './cursors.ts';
import type { DocumentdbEngine } from './engine.ts';
import { Login } from './login.ts';
import { Points } from './points.ts';
import { formatReply, MessageReader, type Request } from './wire.ts';

/** What a test may do with a command before the front does: answer it, close the connection, or let it pass. */
export type Intercept = (
  command: Command,
  pass: (changed?: Document) => Promise<Document>,
) => Promise<Reply | 'close' | undefined> | Reply | 'close' | undefined;

export interface FrontOptions {
  /** Be a replica set of one member, with reads at a point in time. */
  readonly replicaSet?: boolean;
  /** Say that it is a mongos. */
  readonly sharded?: boolean;
  /** Let nobody do anything who has not logged in. */
  readonly auth?: boolean;
  /** What it says of itself; 7.0.0 unless told. */
  readonly version?: string;
}

export interface Front extends AsyncDisposable {
  readonly port: number;
  /** How many connections a program of that name has open now. */
  connectionsOf(appName: string): number;
  /** Asked for every command but greetings and logins. */
  intercept: Intercept | undefined;
}

export const startFront = async (engine: DocumentdbEngine, options: FrontOptions = {}): Promise<Front> => {
  const sockets = new Map<Socket, Session>();
  const points = new Points(engine);
  const server = createServer((socket) => {
    const session = new Session({ engine, options, points, front, id: nextConnection++ });
    sockets.set(socket, session);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, session);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const front: Front = {
    port: (server.address() as AddressInfo).port,
    connectionsOf: (appName) => [...sockets.values()].filter((session) => session.appName === appName).length,
    intercept: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await points.close();
    },
  };
  return front;
};

let nextConnection = 1;

/** Answers in the order of the requests. */
const serve = (socket: Socket, session: Session): void => {
  const reader = new MessageReader();
  let earlier: Promise<void> = Promise.resolve();
  const answer = async (request: Request): Promise<void> => {
    const reply = await session.answer(request);
    if (reply === 'close') socket.destroy();
    else if (request.answer !== 'none') socket.write(formatReply(request, reply));
  };
  socket.on('error', () => {});
  socket.on('close', () => void earlier.then(() => session.close()));
  socket.on('data', (bytes) => {
    for (const request of reader.push(bytes))
      earlier = earlier.then(() => answer(request)).catch(() => void socket.destroy());
  });
};

interface SessionParts {
  readonly engine: DocumentdbEngine;
  readonly options: FrontOptions;
  readonly points: Points;
  readonly front: Front;
  readonly id: number;
}

/** One connection of a driver. */
class Session {
  appName: string | undefined;
  readonly #parts: SessionParts;
  readonly #login: Login;
  readonly #cursors: Cursors;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#login = new Login(parts.engine);
    this.#cursors = new Cursors(parts.engine, parts.points, () => this.#login.user ?? 'postgres');
  }

  async answer({ body, sequence }: Request): Promise<Uint8Array | 'close'> {
    const fields = BSON.deserialize(body, { promoteLongs: false });
    const name = Object.keys(fields)[0] ?? '';
    const command: Command = { name, database: String(fields.$db ?? 'admin'), body, sequence, fields };
    const reply = await this.#reply(command).catch(errorReply);
    if (reply === 'close') return reply;
    if (Buffer.isBuffer(reply)) return reply;
    return BSON.serialize({ ...reply, ...this.#parts.points.gossip(this.#parts.options.replicaSet) });
  }

  async #reply(command: Command): Promise<Reply | 'close'> {
    const { front, options } = this.#parts;
    if (/^(hello|ismaster)$/i.test(command.name)) {
      this.appName ??= command.fields.client?.application?.name;
      return this.#hello();
    }
    const login = await this.#login.answer(command);
    if (login) return login;
    if (options.auth && this.#login.user === undefined)
      return {
        ok: 0,
        code: 13,
        codeName: 'Unauthorized',
        errmsg: `command ${command.name} requires authentication`,
      };
    const pass = async (changed: Document = command.fields): Promise<Document> => {
      const body = changed === command.fields ? command.body : Buffer.from(BSON.serialize(changed));
      const reply = await this.#run({ ...command, body, fields: changed });
      return Buffer.isBuffer(reply) ? BSON.deserialize(reply, { promoteLongs: false }) : reply;
    };
    return (await front.intercept?.(command, pass)) ?? (await this.#run(command));
  }

  async #run(command: Command): Promise<Reply> {
    const { name, fields } = command;
    const fixed = fixedReplies[name];
    if (name === 'buildInfo') return this.#buildInfo();
    if (fixed) return fixed;
    if (name === 'getMore') return await this.#cursors.more(command, String(fields.getMore));
    if (name === 'killCursors') return await this.#cursors.kill(fields.cursors.map(String));
    if (name in cursorFunctions) return await this.#cursors.open(command);
    const handler = handlers[name];
    if (!handler)
      return { ok: 0, code: 59, codeName: 'CommandNotFound', errmsg: `no such command: '${name}'` };
    return await this.#asUser((runner) => handler(runner, command));
  }

  async #asUser<Result>(work: (runner: Runner) => Promise<Result>): Promise<Result> {
    const { engine } = this.#parts;
    const { user } = this.#login;
    if (user === undefined) return await work(engine.pool);
    const client = await engine.connect(user);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  #hello(): Document {
    const { front, options, id } = this.#parts;
    const me = `127.0.0.1:${front.port}`;
    return {
      ...(options.replicaSet && {
        setName: 'rs0',
        setVersion: 1,
        hosts: [me],
        me,
        primary: me,
        secondary: false,
      }),
      ...(options.sharded && { msg: 'isdbgrid' }),
      helloOk: true,
      isWritablePrimary: true,
      ismaster: true,
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 25_000,
      localTime: new Date(),
      connectionId: id,
      minWireVersion: 0,
      maxWireVersion: 21,
      readOnly: false,
      logicalSessionTimeoutMinutes: 30,
      saslSupportedMechs: ['SCRAM-SHA-256'],
      ok: 1,
    };
  }

  #buildInfo(): Document {
    const { version = '7.0.0' } = this.#parts.options;
    return {
      version,
      versionArray: [...version.split('.').map(Number), 0],
      maxBsonObjectSize: 16_777_216,
      ok: 1,
    };
  }

  async close(): Promise<void> {
    await this.#cursors.close();
  }
}

const fixedReplies: Readonly<Record<string, Document>> = {
  ping: { ok: 1 },
  endSessions: { ok: 1 },
  refreshSessions: { ok: 1 },
  logout: { ok: 1 },
  connectionStatus: { authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] }, ok: 1 },
  getParameter: { minSnapshotHistoryWindowInSeconds: 300, ok: 1 },
};
