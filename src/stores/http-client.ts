// HTTP requests whose bodies fit in memory, over connections that are kept.

import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { certificates } from '#lib/certificates.ts';
import { mostBytes as mostObjectBytes, mostRefusalBytes, tooLong, watchPace } from './answer-size.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** The body of a good answer with more is an error: a server that never ends must not fill the memory. Unless told 1 GiB, or 16 MiB where nothing is read. */
  readonly mostBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpClient {
  /** Any answer, whatever its status; rejects when there is none or it breaks off. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpOptions {
  readonly connections: number;
  readonly timeoutMs: number;
  /** A file with certificates to trust besides the usual ones. */
  readonly ca: string | undefined;
}

export const openHttpClient = ({ connections, timeoutMs, ca }: HttpOptions): HttpClient => {
  const settings = { keepAlive: true, maxSockets: connections, timeout: timeoutMs };
  const agents = {
    http: new http.Agent(settings),
    https: new https.Agent({ ...settings, ...certificates(ca) }),
  };
  return {
    send: (request) => send(request, agents, timeoutMs),
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
};

interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

const send = (
  {
    method,
    url,
    headers,
    body,
    mostBytes = method === 'GET' ? mostObjectBytes : mostRefusalBytes,
  }: HttpRequest,
  agents: Agents,
  timeoutMs: number,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const request = (secure ? https : http).request(url, {
      method,
      agent: secure ? agents.https : agents.http,
      timeout: timeoutMs,
      headers: { ...headers, ...(body && { 'content-length': body.length }) },
    });
    let received = 0;
    let isAnswered = false;
    let endWatch = (): void => {};
    // What is being sent stands still, too, when nothing is taken of it: that is silence.
    request.on('finish', () => {
      endWatch = watchPace(
        timeoutMs,
        () => received,
        (error) => request.destroy(error),
      );
    });
    request.setTimeout(timeoutMs); // anew: a connection that was idle has the time for which the server keeps such ones
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.on('close', () => {
      endWatch();
      if (!isAnswered) reject(new Error('the connection was closed without an answer')); // as after 101, another protocol
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      isAnswered = true;
      const most = status < 300 ? mostBytes : mostRefusalBytes;
      const count = (bytes: number): void => {
        received = bytes;
      };
      bodyOf(response, most, count).then((content) => resolve({ status, headers, body: content }), reject);
    });
    request.end(body);
  });

const bodyOf = async (
  response: IncomingMessage,
  mostBytes: number,
  count: (bytes: number) => void,
): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLong(mostBytes);
    count(bytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
