// HTTP requests whose bodies fit in memory, over connections that are kept.

import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import { buffer } from 'node:stream/consumers';
import { certificates } from '#lib/certificates.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
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
  { method, url, headers, body }: HttpRequest,
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
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      buffer(response).then((content) => resolve({ status, headers, body: content }), reject);
    });
    request.end(body);
  });
