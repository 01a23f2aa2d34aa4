// Repositories in folders whose passwords cost next to nothing to try. With a key as users have it, that is half of what a test
// of whole commands takes.
import { hastenKeyIn, testPassword, testRepository } from '../../src/repository/testing.ts';
import { openLocalStore } from '../../src/stores/local/local.ts';

/** An empty one, where the test is not of `init`. */
export const makeRepository = async (folder: string, password = testPassword): Promise<void> => {
  await using store = openLocalStore(folder);
  await testRepository(store, password);
};

/** Puts a key that is quick to try in the place of the one that `init` made. */
export const hastenKey = async (folder: string, password = testPassword): Promise<void> => {
  await using store = openLocalStore(folder);
  await hastenKeyIn(store, password);
};
