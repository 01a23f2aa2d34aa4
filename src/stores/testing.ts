// The store contract as tests.
import { after, before, suite, test } from 'node:test';
import { runStoreCheck, storeChecks } from './contract.ts';
import type { Store } from './store.ts';

export interface StoreFixture {
  /** Opens the store under test; called several times. */
  open(): Promise<Store>;
  /** Called once, before the first opening: starts the server the store needs. */
  start?(): Promise<void>;
  stop?(): Promise<void>;
  /** Each opening is a new, empty place. */
  readonly forgetful?: true;
  /** It keeps repositories, and what is not called like a part of one is refused. */
  readonly repositoriesOnly?: true;
  /** Why it cannot be tested here. */
  readonly skip?: string | undefined;
}

/** Registers every check of the contract as a test. */
export const storeContract = (name: string, fixture: StoreFixture): void => {
  suite(`store contract: ${name}`, { skip: fixture.skip ?? false }, () => {
    let store: Store;
    before(async () => {
      await fixture.start?.();
      store = await fixture.open();
    });
    after(async () => {
      await store?.[Symbol.asyncDispose]();
      await fixture.stop?.();
    });
    const { forgetful, repositoriesOnly } = fixture;
    const scratch = repositoriesOnly ? undefined : 'contract/';
    const checks = storeChecks
      .filter(({ opensAgain }) => !(opensAgain && forgetful))
      .filter(({ namesFreely }) => !(namesFreely && repositoriesOnly));
    for (const check of checks)
      test(check.name, () => runStoreCheck(check, { store, open: () => fixture.open(), scratch }));
  });
};
