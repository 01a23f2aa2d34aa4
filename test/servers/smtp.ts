// A mail server on the loopback that keeps what it is given.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SMTPServer as Server, type SMTPServerOptions } from 'smtp-server';
import type { Certificate } from './certificate.ts';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** Whether it came through TLS, and who had logged in. */
  readonly secure: boolean;
  readonly user: string | undefined;
  /** As it came. */
  readonly raw: string;
  /** A header, unfolded and decoded. */
  header(name: string): string;
  /** The content of the part of this type, decoded. */
  part(type: 'text/plain' | 'text/html'): string;
}

export interface SmtpServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: Mail[];
}

export interface SmtpOptions {
  readonly certificate?: Certificate;
  /** TLS at once, instead of STARTTLS. */
  readonly secure?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  /** What to answer to a recipient instead of yes. */
  readonly refuse?: (recipient: string) => Error | undefined;
  readonly port?: number;
}

/** Starts it; a server without a certificate offers no TLS. */
export const startSmtp = async (options: SmtpOptions = {}): Promise<SmtpServer> => {
  const mails: Mail[] = [];
  const server = new Server({
    ...settingsOf(options),
    onRcptTo: ({ address }, _, done) => done(options.refuse?.(address)),
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope;
      text(stream).then((raw) => {
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: session.user === undefined ? undefined : String(session.user),
          raw,
          header: (name) => headerOf(raw, name),
          part: (type) => partOf(raw, type),
        });
        done();
      }, done);
    },
  });
  const listening = server.listen(options.port ?? 0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    mails,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(resolve)),
  };
};

const settingsOf = ({ certificate, secure, login }: SmtpOptions): SMTPServerOptions => ({
  logger: false,
  disableReverseLookup: true,
  closeTimeout: 100,
  ...(certificate
    ? { cert: certificate.cert, key: certificate.key, secure: secure ?? false }
    : { disabledCommands: ['STARTTLS'] }),
  ...(login === undefined ? { authOptional: true } : { authMethods: ['PLAIN', 'LOGIN'] }),
  onAuth({ username, password }, _, done) {
    if (username === login?.user && password === login?.password) done(null, { user: username ?? '' });
    else done(new Error('who are you?'));
  },
});

const headerOf = (raw: string, name: string): string => {
  const head = raw.slice(0, raw.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  const line = head.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return decodeWords(line?.slice(name.length + 1).trim() ?? '');
};

/** RFC 2047; blanks between two encoded words are no part of the text. */
const decodeWords = (text: string): string =>
  text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/((?:=\?utf-8\?[bq]\?[^?]*\?=)+)/gi, (words) =>
      Buffer.concat(
        [...words.matchAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi)].map(([, how, content = '']) =>
          how?.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : quoted(content.replaceAll('_', ' ')),
        ),
      ).toString(),
    );

const partOf = (raw: string, type: string): string => {
  const part = raw
    .split(/\r\n--[^\r\n]+\r\n/)
    .find((one) => one.toLowerCase().includes(`content-type: ${type}`));
  if (part === undefined) return '';
  const [head = '', ...body] = part.slice(part.toLowerCase().indexOf('content-type:')).split('\r\n\r\n');
  const content = body.join('\r\n\r\n').replace(/\r\n--[^\r\n]*--\s*$/, '');
  if (/base64/i.test(head)) return Buffer.from(content, 'base64').toString();
  return /quoted-printable/i.test(head) ? quoted(content.replaceAll(/=\r\n/g, '')).toString() : content;
};

const quoted = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
