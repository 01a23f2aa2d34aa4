// How a syslog message travels: a datagram (RFC 5426), or octet-counted over TCP (RFC 6587) or TLS (RFC 5425).
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, isIP, type Socket } from 'node:net';
import { rootCertificates, connect as tlsConnect } from 'node:tls';
import { HoldfastError, messageOf } from '#lib/errors.ts';

export interface Limit {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Nobody answers a datagram: that it left this machine is all one can know. */
export const sendDatagram = async (message: string, url: URL, limit: Limit): Promise<void> => {
  const host = hostOf(url);
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  await explained(url, limit, async (signal) => {
    try {
      const sent = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => sent.reject(signal.reason), { once: true });
      socket.on('error', sent.reject);
      socket.send(message, portOf(url), host, (error) => (error ? sent.reject(error) : sent.resolve()));
      await sent.promise;
    } finally {
      socket.close();
    }
  });
};

/**
 * Resolves when the other side has closed after the message, as they do, so that it is not lost on the way; one that stays open
 * without a word has taken it.
 */
export const sendFramed = (
  message: string,
  url: URL,
  { ca, ...limit }: Limit & { readonly ca?: string | undefined },
): Promise<void> =>
  explained(url, limit, async (signal) => {
    const socket = open(url, ca);
    const stop = (): void => void socket.destroy(new Error('no time left'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) stop();
      await once(socket, url.protocol === 'tls:' ? 'secureConnect' : 'connect');
      const closed = once(socket, 'close');
      socket.resume().end(`${Buffer.byteLength(message)} ${message}`);
      await once(socket, 'finish');
      socket.setTimeout(graceMs, () => socket.destroy());
      await closed;
    } finally {
      signal.removeEventListener('abort', stop);
      socket.destroy();
    }
  });

const graceMs = 2000;

const open = (url: URL, ca: string | undefined): Socket => {
  const host = hostOf(url);
  const address = { host, port: portOf(url) };
  if (url.protocol !== 'tls:') return connect(address);
  return tlsConnect({
    ...address,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: [...rootCertificates, readFileSync(ca, 'utf8')] }),
  });
};

/** What the protocols' own documents name. */
const usualPorts: Readonly<Record<string, number>> = { 'udp:': 514, 'tcp:': 601, 'tls:': 6514 };

const portOf = (url: URL): number => Number(url.port) || (usualPorts[url.protocol] ?? 514);

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

const explained = async (
  url: URL,
  { timeoutMs, signal }: Limit,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> => {
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    await work(AbortSignal.any([signal, limit]));
  } catch (cause) {
    if (signal.aborted) throw new HoldfastError('CANCELLED', 'cancelled', { cause: signal.reason });
    const why = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(cause);
    throw new HoldfastError('NOTIFIER_UNREACHABLE', `${url.protocol}//${url.host}: ${why}`, { cause });
  }
};
