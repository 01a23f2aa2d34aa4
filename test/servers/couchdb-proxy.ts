// Stands between a test and a CouchDB: counts requests, and lets some of them go wrong or be answered otherwise.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { CouchServer } from './couchdb.ts';

export interface CouchProxy extends AsyncDisposable {
  /** As the server's own, but through the proxy. */
  url(database?: string): string;
  /** 'POST /shop/_bulk_get', without queries, since the last call. */
  requests(): string[];
  /** What becomes of the requests that come from now on; undefined lets one pass. */
  rule: (request: Asked) => Twist | undefined;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Twist =
  /** Another answer, without asking the server. */
  | {
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string | Uint8Array;
    }
  /** The server's answer breaks off after so many bytes. */
  | { readonly breakAfter: number }
  /** The server's answer with another body. */
  | { change(body: Buffer, headers: Record<string, string | string[] | undefined>): Buffer | string };

export const startCouchProxy = async (server: CouchServer): Promise<CouchProxy> => {
  let seen: string[] = [];
  const proxy = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const [path = '/', query = ''] = (incoming.url ?? '/').split('?');
    const method = incoming.method ?? 'GET';
    seen.push(`${method} ${decodeURIComponent(path)}`);
    const twist = own.rule({
      method,
      path: decodeURIComponent(path),
      query,
      headers: incoming.headers,
      body,
    });
    if (twist && 'status' in twist) {
      outgoing
        .writeHead(twist.status, { 'content-type': 'application/json', ...twist.headers })
        .end(twist.body ?? '{}');
      return;
    }
    const target = {
      host: '127.0.0.1',
      port: server.port,
      path: incoming.url,
      method,
      headers: incoming.headers,
    };
    const passed = send(target, async (answer) => {
      const bytes = await buffer(answer).catch(() => undefined);
      if (!bytes) return void outgoing.destroy(); // the server ended within its answer
      const { 'transfer-encoding': _, ...headers } = answer.headers;
      const changed = twist && 'change' in twist ? Buffer.from(twist.change(bytes, headers)) : bytes;
      outgoing.writeHead(answer.statusCode ?? 502, { ...headers, 'content-length': changed.length });
      if (twist && 'breakAfter' in twist)
        outgoing.write(changed.subarray(0, twist.breakAfter), () => outgoing.destroy());
      else outgoing.end(changed);
    });
    passed.on('error', () => outgoing.destroy());
    passed.end(body);
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const own: CouchProxy = {
    url: (database) => server.url(database).replace(`:${server.port}/`, `:${port}/`),
    requests() {
      const all = seen;
      seen = [];
      return all;
    },
    rule: () => undefined,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
  return own;
};
