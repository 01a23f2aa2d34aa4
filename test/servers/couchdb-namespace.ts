// A part of a CouchDB server that looks like all of it: the databases with a prefix, under their names without it.
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface CouchNamespace extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Passes every request on; the databases go when it is disposed of. */
export const startCouchNamespace = async (url: string, prefix: string): Promise<CouchNamespace> => {
  const { hostname, port, username, password } = new URL(url);
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  const authorization = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  const there = `http://${hostname}:${port || 5984}`;
  const own = async (): Promise<string[]> => {
    const answer = await fetch(`${there}/_all_dbs?startkey="${prefix}"&endkey="${prefix}~"`, {
      headers: { authorization },
    });
    return (await answer.json()) as string[];
  };
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '/').replace(/^\/(?=[a-z])/, `/${prefix}`);
    const passed = send(
      there,
      { path, method: incoming.method, headers: incoming.headers }, // in the URL even an encoded '..' would mean the folder above
      async (answer) => {
        if (incoming.url !== '/_all_dbs' || answer.statusCode !== 200) {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(outgoing);
          return;
        }
        const all = JSON.parse((await buffer(answer)).toString()) as string[];
        const names = all.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
        outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(names));
      },
    );
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy()); // a continuous feed would go on for ever
    incoming.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    user,
    password: secret,
    async [Symbol.asyncDispose]() {
      for (const name of await own())
        await fetch(`${there}/${encodeURIComponent(name)}`, { method: 'DELETE', headers: { authorization } });
      server.close();
      server.closeAllConnections();
    },
  };
};
