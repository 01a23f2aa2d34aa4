import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasCode } from '#lib/errors.ts';
import { type MongoServer, skipWithoutMongodb, startMongodb } from '../../../test/servers/mongodb.ts';
import { slowLine } from '../../../test/tools/slow-line.ts';
import { openMongodb } from './testing.ts';

const skip = skipWithoutMongodb() ?? false;
let server: MongoServer;
before(async () => {
  if (!skip) server = await startMongodb();
});
after(async () => await server?.[Symbol.asyncDispose]());

test('a server that freezes in the middle of a collection is given up, as the driver notices', {
  skip,
}, async () => {
  const text = 'x'.repeat(50_000);
  const documents = Array.from({ length: 1000 }, () => ({ text }));
  await server.client.db('shop').collection<{ text: string }>('t').insertMany(documents);
  const port = Number(new URL(server.url()).port || 27_017);
  await using line = await slowLine(port, 0);
  // The driver's clock cannot be stopped: this is longer than a busy machine leaves this process alone.
  const soon = 'connectTimeoutMS=2000&heartbeatFrequencyMS=500&serverSelectionTimeoutMS=2000';
  const url = `mongodb://127.0.0.1:${line.port}/shop?directConnection=true&${soon}`;
  await using source = await openMongodb(server, { url, rangeMiB: 1 });
  const entries = source.dump()[Symbol.asyncIterator]();
  for (;;) {
    const { value: entry } = await entries.next();
    if (!entry.path.includes('/t') || !entry.content || !entry.item) continue;
    const rows = entry.content()[Symbol.asyncIterator]();
    await rows.next();
    line.freeze();
    await assert.rejects(Array.fromAsync({ [Symbol.asyncIterator]: () => rows }), (error) =>
      hasCode(error, 'SOURCE_UNREACHABLE'),
    );
    return;
  }
});
