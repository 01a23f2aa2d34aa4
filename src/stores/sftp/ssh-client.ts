// An SSH connection: the way there (through other servers), who we are, and who the server is. ssh2 is met here only.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import ssh2, {
  type AnyAuthMethod,
  type AuthHandlerMiddleware,
  type ClientChannel,
  type ParsedKey,
  type SFTPWrapper,
} from 'ssh2';
import { HoldfastError, hasCode, messageOf, systemCode } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import type { Log } from '#lib/log.ts';
import { hostKeyName, readHostKeys } from './host-key.ts';
import type { SftpConfig } from './sftp.ts';
import { type HostQuestion, jumpQuestion, jumpsOf, lookUpHost, type SshHost } from './ssh-host.ts';

export type { ClientChannel, SFTPWrapper };

/** A connection to the server, and those that carry it. */
export interface SshConnection {
  /** One more SFTP server at the other end, which works beside the others. */
  openSftp(): Promise<SftpChannel>;
  /** Runs a command there. */
  execute(command: string, answer: (error?: Error, channel?: ClientChannel) => void): void;
  /** Resolves when an SFTP channel or a connection below it has ended. */
  readonly ended: Promise<Error | undefined>;
  close(): void;
}

export interface SftpChannel {
  readonly sftp: SFTPWrapper;
  /** What fits into one request to read or write. */
  readonly pieceBytes: number;
}

/** STORE_UNREACHABLE when trying again may help, STORE_DENIED when it will not. */
export const openSshConnection = async (config: SftpConfig, log: Log): Promise<SshConnection> => {
  const { host, user, port, sshConfig } = config;
  const target = await lookUpHost({ host, user, port, sshConfig });
  const questions = (config.jump === undefined ? target.jumps : jumpsOf(config.jump)).map((jump) =>
    jumpQuestion(jump, sshConfig),
  );
  const clients: ssh2.Client[] = [];
  const close = (): void => {
    for (const client of clients.toReversed()) client.destroy();
  };
  try {
    const socket = await connectJumps(questions, target, clients, config, log);
    const client = await connect(target, { socket, config, log, own: true });
    clients.push(client);
    const end = watch(clients);
    return {
      openSftp: async () => {
        const sftp = await startSftp(client, target.hostname, config.timeoutSeconds, end.isBroken);
        sftp.on('error', (error: Error) => end.explain(error));
        sftp.on('close', () => end.come());
        return { sftp, pieceBytes: pieceBytesOf(sftp) };
      },
      execute: (command, answer) => void client.exec(command, answer),
      ended: end.ended,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
};

/** Connects one server after the other, each through the one before it; returns the way to the target. */
const connectJumps = async (
  questions: readonly HostQuestion[],
  target: SshHost,
  clients: ssh2.Client[],
  config: SftpConfig,
  log: Log,
): Promise<Duplex | undefined> => {
  const hosts = await Promise.all(questions.map(lookUpHost));
  let socket: Duplex | undefined;
  for (const [index, host] of hosts.entries()) {
    const client = await connect(host, { socket, config, log, own: false });
    clients.push(client);
    socket = await forward(client, host, hosts[index + 1] ?? target, config.timeoutSeconds);
  }
  return socket;
};

const forward = async (client: ssh2.Client, from: SshHost, to: SshHost, seconds: number): Promise<Duplex> => {
  try {
    return await answered<Duplex>(seconds, (answer) =>
      client.forwardOut('127.0.0.1', 0, to.hostname, to.port, answer),
    );
  } catch (cause) {
    const message = `${from.hostname} does not lead on to ${to.hostname}:${to.port}: ${messageOf(cause)}`;
    const hint = `check that it may forward (AllowTcpForwarding) and that ${to.hostname} can be reached from there`;
    throw new HoldfastError('STORE_UNREACHABLE', message, { cause, hint });
  }
};

const startSftp = async (
  client: ssh2.Client,
  hostname: string,
  seconds: number,
  isBroken: () => boolean,
): Promise<SFTPWrapper> => {
  try {
    return await answered<SFTPWrapper>(seconds, (answer) => client.sftp(answer));
  } catch (cause) {
    if (cause instanceof Unanswered)
      throw new HoldfastError('STORE_UNREACHABLE', `${hostname} does not begin SFTP: ${cause.message}`, {
        cause,
        hint: 'look what its sftp-server or ForceCommand waits for there, such as a disk that does not answer',
      });
    if (isBroken())
      throw new HoldfastError('STORE_UNREACHABLE', `${hostname}: the connection broke as SFTP began`, {
        cause,
        hint: 'if it always does, see what the server logs: its sftp-server or ForceCommand may end it',
      });
    const hint = 'let the server offer it (Subsystem sftp internal-sftp)';
    throw new HoldfastError('STORE_DENIED', `${hostname} does not offer SFTP`, { cause, hint });
  }
};

class Unanswered extends Error {}

/** A server that lets us in answers signs of life by itself, so that what hangs behind it would be waited for for ever. */
const answered = <Result>(
  seconds: number,
  ask: (answer: (error: Error | undefined, result: Result) => void) => void,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Unanswered(`no answer within ${seconds} s`)), seconds * 1000);
    ask((error, result) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve(result);
    });
  });

/** What every server takes, with the rest of a request: 34,000 bytes in all. */
const fitsEverywhere = 31_000;

/** ssh2 knows from the server's name how much fits, but tells nobody; it would send larger pieces one after the other. */
const pieceBytesOf = (sftp: SFTPWrapper): number => {
  const known: unknown = Reflect.get(sftp, '_maxWriteLen');
  return typeof known === 'number' && known > 0 ? known : fitsEverywhere;
};

/** Resolves, once, with what ended the first of them. */
const watch = (clients: readonly ssh2.Client[]) => {
  let cause: Error | undefined;
  let broken = false;
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const explain = (error: Error): void => {
    cause = error;
  };
  const come = (): void => resolve(cause);
  const breakOff = (): void => {
    broken = true;
  };
  for (const client of clients)
    client.on('error', explain).on('end', breakOff).on('close', breakOff).on('close', come);
  return { ended: promise, explain, come, isBroken: () => broken };
};

interface Way {
  readonly socket: Duplex | undefined;
  readonly config: SftpConfig;
  readonly log: Log;
  /** The key, passphrase, password and user of the configuration are the target's, not those of servers on the way. */
  readonly own: boolean;
}

const connect = async (host: SshHost, way: Way): Promise<ssh2.Client> => {
  const { config, log } = way;
  const keys = await readHostKeys({
    name: hostKeyName(host.hostname, host.port, host.hostKeyAlias),
    files: config.knownHosts === undefined ? host.knownHostsFiles : [expandHome(config.knownHosts)],
    acceptNew: config.newHosts === 'accept' || host.acceptsNew,
  });
  const identity = await readIdentity(host, way);
  const client = new ssh2.Client();
  let refusal: unknown;
  let alsoWanted: readonly string[] = [];
  let verified: Buffer | undefined;
  const hostVerifier = (key: Buffer, done: (valid: boolean) => void): void => {
    // When new keys are agreed on while files travel, ssh2 must not be left waiting: it would go on with the old ones.
    if (verified?.equals(key)) {
      done(true);
      return;
    }
    keys.verify(key).then(
      () => {
        verified = Buffer.from(key);
        done(true);
      },
      (error: unknown) => {
        refusal = error;
        done(false);
      },
    );
  };
  client.connect({
    host: host.hostname,
    port: host.port,
    username: host.user,
    ...(way.socket && { sock: way.socket }),
    readyTimeout: config.timeoutSeconds * 1000,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
    hostVerifier,
    authHandler: offer(identity.methods, (also) => {
      alsoWanted = also;
    }),
    algorithms: {
      serverHostKey: [...keys.algorithms] as ssh2.ServerHostKeyAlgorithm[],
      // Node's own crypto does these fastest.
      cipher: { prepend: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'], append: [], remove: [] },
    },
  });
  if (way.socket === undefined) client.setNoDelay(true); // else each small request waits for the acknowledgement of the one before
  await ready(client, log, (error) => refusal ?? connectError(error, host, identity.notes, alsoWanted));
  return client;
};

const ready = (
  client: ssh2.Client,
  log: Log,
  explain: (error: Error | undefined) => unknown,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let cause: Error | undefined;
    client.on('error', (error: Error & { level?: string }) => {
      // An agent that fails only means that its keys are not tried.
      if (error.level === 'agent') log.warn({ error: messageOf(error) }, 'the ssh agent does not answer');
      else cause ??= error;
    });
    client.once('ready', resolve);
    client.once('close', () => reject(explain(cause)));
  });

const connectError = (
  cause: (Error & { level?: string }) | undefined,
  host: SshHost,
  notes: readonly string[],
  alsoWanted: readonly string[],
): HoldfastError => {
  const where = `${host.user}@${host.hostname}:${host.port}`;
  if (cause?.level === 'client-authentication')
    return new HoldfastError('STORE_DENIED', `${where} does not let us in`, {
      cause,
      hint: `tried ${notes.join(', ') || 'nothing, for there is no key, agent or password'}; ${
        alsoWanted.length > 0
          ? `some of it was right, and it wants ${alsoWanted.join(' or ')} too`
          : 'add the public key to authorized_keys there, or correct the password'
      }`,
    });
  if (['ENOTFOUND', 'EAI_AGAIN'].includes(systemCode(cause) ?? ''))
    return new HoldfastError('STORE_UNREACHABLE', `there is no host ${host.hostname}`, {
      cause,
      hint: 'check the name and the name service',
    });
  return new HoldfastError(
    'STORE_UNREACHABLE',
    `cannot connect to ${where}: ${cause === undefined ? 'the connection was closed' : messageOf(cause)}`,
    { cause, hint: `check that \`sftp -P ${host.port} ${host.user}@${host.hostname}\` gets in` },
  );
};

interface Identity {
  readonly methods: readonly AnyAuthMethod[];
  /** What is tried, in words. */
  readonly notes: readonly string[];
}

/** What we can show: the key that was named or those ssh would use, the agent's, the password. */
const readIdentity = async (host: SshHost, { config, own }: Way): Promise<Identity> => {
  const username = host.user;
  const methods: AnyAuthMethod[] = [];
  const notes: string[] = [];
  const named = own ? config.privateKey : undefined;
  const files = named === undefined ? host.identityFiles : [expandHome(named)];
  for (const path of files) {
    const passphrase = own ? config.passphrase?.reveal() : undefined;
    const key = await readKey(path, passphrase, named !== undefined, host.agent !== undefined);
    if (key instanceof Error) notes.push(`${path} (${messageOf(key)})`);
    else if (key !== undefined) {
      methods.push({ type: 'publickey', username, key });
      notes.push(
        existsSync(`${path}-cert.pub`) ? `${path} without its certificate, which is not supported` : path,
      );
    }
  }
  if (host.agent !== undefined) {
    methods.push({ type: 'agent', username, agent: await agentWith(host.agent, files) });
    notes.push('the ssh agent');
  }
  const password = own ? config.password?.reveal() : undefined;
  if (password !== undefined) {
    methods.push({ type: 'password', username, password }, answerPrompts(username, password));
    notes.push('the password');
  }
  return { methods, notes };
};

/** An agent that offers the keys of these files first: a server ends the connection after about six that it does not take. */
const agentWith = async (socket: string, files: readonly string[]): Promise<ssh2.BaseAgent<ParsedKey>> => {
  const preferred: Buffer[] = [];
  for (const file of files) {
    const text = await readFile(`${file}.pub`).catch(() => undefined); // it need not be there
    const key = text && ssh2.utils.parseKey(text);
    if (key && !(key instanceof Error)) preferred.push(key.getPublicSSH());
  }
  const agent = new ssh2.OpenSSHAgent(socket);
  const getIdentities = agent.getIdentities.bind(agent);
  const isPreferred = (key: unknown): boolean =>
    preferred.some((each) => 'getPublicSSH' in Object(key) && each.equals((key as ParsedKey).getPublicSSH()));
  agent.getIdentities = (answer) =>
    getIdentities((error, keys = []) =>
      answer(error, [...keys.filter(isPreferred), ...keys.filter((key) => !isPreferred(key))]),
    );
  return agent;
};

/** A key that was named must be usable, or may be in the agent; of the usual ones those that are there and can be read are. */
const readKey = async (
  path: string,
  passphrase: string | undefined,
  named: boolean,
  hasAgent: boolean,
): Promise<ParsedKey | Error | undefined> => {
  try {
    const parsed = ssh2.utils.parseKey(await readFile(path), passphrase);
    if (!(parsed instanceof Error)) return parsed;
    if (!named || hasAgent) return parsed;
    throw new HoldfastError('STORE_DENIED', `cannot use the private key ${path}: ${messageOf(parsed)}`, {
      cause: parsed,
      hint: 'if it is encrypted, give its `passphrase`, or add it to the ssh agent',
    });
  } catch (cause) {
    if (hasCode(cause, 'STORE_DENIED')) throw cause;
    if (!named) return undefined;
    throw new HoldfastError('STORE_DENIED', `cannot read the private key ${path}: ${messageOf(cause)}`, {
      cause,
      hint: 'name a file that the user who runs Holdfast can read',
    });
  }
};

/** Servers that ask for the password in a dialogue ask for nothing else that we could know. */
const answerPrompts = (username: string, password: string): AnyAuthMethod => ({
  type: 'keyboard-interactive',
  username,
  prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
});

/** Offers one method after the other, of those the server takes; once one was good and another is wanted too, the others anew. */
const offer = (
  methods: readonly AnyAuthMethod[],
  onAlsoWanted: (methods: readonly string[]) => void,
): AuthHandlerMiddleware => {
  let left = [...methods];
  let last: AnyAuthMethod | undefined;
  return (accepted, partial, next) => {
    if (partial) {
      left = methods.filter((method) => method !== last);
      onAlsoWanted(accepted);
    }
    for (last = left.shift(); last !== undefined; last = left.shift()) {
      const kind = last.type === 'agent' ? 'publickey' : last.type;
      if (!accepted || accepted.includes(kind)) return next(last);
    }
    return next(false as never); // ssh2's way to say that nothing is left, missing in its types
  };
};
