// Keeps what a dump reads from open exactly as long as somebody may still read.

export interface Lease {
  /** Announces a content that may be opened later. */
  expect(): Claim;
  /** No more contents will be announced. When the reader broke off, those not opened yet are off as well. */
  end(brokeOff: boolean): void;
}

export interface Claim {
  /** True when the content may still be read; it must be released then. */
  open(): boolean;
  /** Harmless when repeated. */
  release(): void;
}

/** Calls `close` once, when the last content is released after the end. */
export const createLease = (close: () => void): Lease => {
  const waiting = new Set<Claim>();
  const reading = new Set<Claim>();
  let state: 'dumping' | 'ended' | 'broken off' = 'dumping';
  const closeWhenIdle = (): void => {
    const idle = reading.size === 0 && (state === 'broken off' || waiting.size === 0);
    if (state !== 'dumping' && idle) close();
  };
  return {
    expect() {
      const claim: Claim = {
        open() {
          if (state === 'broken off' || !waiting.delete(claim)) return false;
          reading.add(claim);
          return true;
        },
        release() {
          if (reading.delete(claim)) closeWhenIdle();
        },
      };
      waiting.add(claim);
      return claim;
    },
    end(brokeOff) {
      state = brokeOff ? 'broken off' : 'ended';
      closeWhenIdle();
    },
  };
};
