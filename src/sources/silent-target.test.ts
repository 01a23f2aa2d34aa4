import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#lib/clock.ts';
import { hasCode } from '#lib/errors.ts';
import { silentLog } from '#lib/log.ts';
import { openSource, sourceFromUrl } from './registry.ts';
import { intoEmpty } from './testing.ts';

async function* nothing(): AsyncGenerator<never> {}

for (const kind of ['postgres', 'mysql', 'mongodb', 'couchdb', 'sqlserver'])
  test(`a ${kind} server that does not answer is not waited for by who cancels a restore`, async (t) => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const cancelling = new AbortController();
    silent.once('connection', () => cancelling.abort());
    const target = sourceFromUrl(`${kind}://u:p@127.0.0.1:${port}/shop`);
    await using source = await openSource(target, {
      signal: cancelling.signal,
      clock: systemClock,
      log: silentLog,
    });
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }); // no time ever passes, but for sockets
    const startedAt = performance.now();
    await assert.rejects(source.restore(nothing(), intoEmpty), (error) => hasCode(error, 'CANCELLED'));
    assert.ok(performance.now() - startedAt < 20_000, 'it was waited for until a socket gave up');
    silent.close();
  });
