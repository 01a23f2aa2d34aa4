// A web server on the loopback that keeps the requests it gets and answers as it is told.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: HttpRequest[];
}

/** Answers each request as `reply` says: 200 when it says nothing, never when it says 'nothing'. */
export const startHttp = async (
  reply: (request: HttpRequest, count: number) => HttpReply | 'nothing' | undefined = () => undefined,
): Promise<HttpServer> => {
  const requests: HttpRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((body) => {
      const { method = '', url = '', headers } = incoming;
      requests.push({ method, url, headers, body });
      const answer = reply({ method, url, headers, body }, requests.length) ?? { status: 200 };
      if (answer !== 'nothing') outgoing.writeHead(answer.status, answer.headers).end(answer.body ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
