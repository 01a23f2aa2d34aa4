// What a receiver does next with what has arrived. Pure: states in, a plan out.

/** A state that the sender was in, and what of its changes was settled by then. */
export interface State {
  /** When the sender was so. */
  readonly takenAt: Date;
  /** Whatever was committed later was changed after this. */
  readonly settledAt: Date;
}

/** Changes that lead to a state: from any other in which all was settled that happened before `from`. */
export interface ChangesState extends State {
  readonly from: Date;
}

/** What the receiver has, and the complete state that it rests on. */
export interface Have extends State {
  readonly base: { readonly takenAt: Date };
}

export interface Plan<Whole extends State, Changes extends ChangesState> {
  /** To be loaded first. */
  readonly whole?: Whole;
  /** To be applied then, in this order. */
  readonly changes: readonly Changes[];
  /** There are newer changes that fit nothing that is there: something between is missing. */
  readonly gap: boolean;
}

/**
 * A newer complete state is loaded as soon as what follows from it is not older than what readers see now; until then changes
 * are applied to what is there. Never an older state over a newer one, and no change without those before it.
 */
export const planReceipt = <Whole extends State, Changes extends ChangesState>(
  have: Have | undefined,
  wholes: readonly Whole[],
  changes: readonly Changes[],
): Plan<Whole, Changes> => {
  const newest = wholes.toSorted(byTime).at(-1);
  const isNew = newest && (have === undefined || newest.takenAt > have.base.takenAt);
  if (newest && isNew) {
    const chain = chainFrom(newest, changes);
    const reached = chain.at(-1) ?? newest;
    if (have === undefined || reached.takenAt >= have.takenAt)
      return { whole: newest, changes: chain, gap: hasNewer(changes, reached) };
  }
  if (have === undefined) return { changes: [], gap: false };
  const chain = chainFrom(have, changes);
  return { changes: chain, gap: hasNewer(changes, chain.at(-1) ?? have) };
};

/** As few steps as possible: each is the newest that fits, and it has all that those before it have. */
const chainFrom = <Changes extends ChangesState>(start: State, changes: readonly Changes[]): Changes[] => {
  const chain: Changes[] = [];
  for (let at = start; ; ) {
    const next = changes
      .filter(({ from, takenAt }) => from <= at.settledAt && takenAt > at.takenAt)
      .toSorted(byTime)
      .at(-1);
    if (next === undefined) return chain;
    chain.push(next);
    at = next;
  }
};

const hasNewer = (changes: readonly State[], { takenAt }: State): boolean =>
  changes.some((each) => each.takenAt > takenAt);

const byTime = (a: State, b: State): number => a.takenAt.getTime() - b.takenAt.getTime();
