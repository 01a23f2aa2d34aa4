import assert from 'node:assert/strict';
import { suite } from 'node:test';
import { type MongoServer, skipWithoutMongodb, startMongodb } from '../../../test/servers/mongodb.ts';
import { type SourceFixture, sourceContract } from '../contract.ts';
import { openMongodb, seenBy, withoutUuid } from './testing.ts';
import { fillShop } from './testing-database.ts';

suite('a MongoDB database', { skip: skipWithoutMongodb() ?? false }, () => {
  sourceContract('mongodb', async () => {
    const server = await startMongodb();
    try {
      return await shopOn(server);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  });
});

/** One server is enough: by the time that something is restored, the original has been read for the last time. */
const shopOn = async (server: MongoServer): Promise<SourceFixture> => {
  const shop = server.client.db('shop');
  await shop.dropDatabase();
  await fillShop(server, 'shop');
  const original = await seenBy(shop);
  return {
    open: (signal) => openMongodb(server, { url: server.url('shop') }, { signal }),
    async emptyTarget() {
      await shop.dropDatabase();
      return await openMongodb(server, { url: server.url('shop') });
    },
    async same() {
      assert.deepEqual(await seenBy(shop), original);
    },
    keeps: ['mode'],
    told: withoutUuid,
    manifests: ['shop/manifest.json'],
    knowsUnchanged: false,
    openThings: () => server.openConnections(),
    async [Symbol.asyncDispose]() {
      await shop.dropDatabase();
      await server[Symbol.asyncDispose]();
    },
  };
};
