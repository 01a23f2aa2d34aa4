// The contract, over the wire, with a responder in the server's place.
import assert from 'node:assert/strict';
import { shop } from '../../../test/servers/sqlserver-shop.ts';
import { stillOpen } from '../../../test/tools/still-open.ts';
import { sourceContract } from '../contract.ts';
import { dumpOf, openSqlServer, rememberRows, startPlainServer } from './testing.ts';

for (const bulk of [true, false])
  sourceContract(`sqlserver, rows ${bulk ? 'in bulk' : 'by INSERT'}`, async () => {
    const original = await startPlainServer(shop, ['shop'], { bulk });
    const copy = await startPlainServer(shop, [], { bulk });
    rememberRows(await dumpOf({ url: original.url('shop') }), shop);
    return {
      open: (signal) => openSqlServer({ url: original.url('shop') }, { signal }),
      async emptyTarget() {
        copy.databases.clear();
        return await openSqlServer({ url: copy.url('shop') });
      },
      async same() {
        const rowsOf = (server: typeof copy) =>
          [...(server.databases.get('shop')?.rows ?? [])].map(([name, rows]) => [name, rows.length]).sort();
        assert.deepEqual(rowsOf(copy), rowsOf(original));
      },
      keeps: ['mode'],
      manifests: ['shop/manifest.json'],
      knowsUnchanged: false,
      openThings: () => stillOpen(() => original.responder.connections()),
      async [Symbol.asyncDispose]() {
        await original[Symbol.asyncDispose]();
        await copy[Symbol.asyncDispose]();
      },
    };
  });
