// A page of metrics on a port of the loopback. It loads nothing, so that a long-lived process can have it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { HoldfastError, messageOf } from '#lib/errors.ts';

export interface MetricsServer extends AsyncDisposable {
  readonly port: number;
}

export interface MetricsOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Makes the page anew. Those who ask while it is made, or soon after, get the same. */
  readonly collect: () => Promise<string>;
  /** For how long a page may be given again: looking into the stores costs something. */
  readonly keepMs?: number;
}

const usualKeepMs = 60_000;
const loopback = '127.0.0.1';

/** Serves /metrics. FAILED when the port is taken. */
export const serveMetrics = async ({
  port,
  collect,
  keepMs = usualKeepMs,
}: MetricsOptions): Promise<MetricsServer> => {
  const page = kept(collect, keepMs);
  const server = createServer((request, response) => {
    const isLocal = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? '');
    const answer = (status: number, text: string): void =>
      void response
        .writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
        .end(text);
    // A web page that somebody here has open must not read it under another name (DNS rebinding).
    if (!isLocal) answer(403, 'ask for 127.0.0.1\n');
    else if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics')
      answer(404, 'there is only /metrics\n');
    else
      page().then(
        (text) => answer(200, text),
        (error: unknown) => answer(500, `${messageOf(error)}\n`),
      );
  });
  try {
    server.listen(port, loopback);
    await once(server, 'listening');
  } catch (cause) {
    throw new HoldfastError('FAILED', `cannot serve metrics on ${loopback}:${port}: ${messageOf(cause)}`, {
      cause,
      hint: 'give another port',
    });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const kept = (collect: () => Promise<string>, keepMs: number): (() => Promise<string>) => {
  let page: Promise<string> | undefined;
  return () => {
    page ??= collect().finally(() => {
      setTimeout(() => {
        page = undefined;
      }, keepMs).unref();
    });
    return page;
  };
};
