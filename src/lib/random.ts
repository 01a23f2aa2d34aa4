// Chance that can be repeated: the same seed gives the same run, so a failure found once can be found again.

export interface Random {
  /** At least 0, below 1. */
  next(): number;
  /** A whole number, at least `low` and below `high`. */
  integer(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  shuffle<Item>(items: readonly Item[]): Item[];
  /** A generator of its own: what it is asked does not change what this one gives. */
  fork(name: string): Random;
}

/** A generator (sfc32) for data, jitter and faults; never for keys. */
export const seededRandom = (seed: string | number): Random => {
  const state = spread(String(seed));
  const next = (): number => {
    const [a, b, c, counter] = state as unknown as [number, number, number, number];
    const sum = (a + b + counter) >>> 0;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    state[3] = counter + 1;
    return sum / 2 ** 32;
  };
  for (let round = 0; round < 12; round += 1) next();
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[integer(0, items.length)] as (typeof items)[number];
    },
    shuffle: (items) =>
      items
        .map((item) => ({ item, order: next() }))
        .sort((a, b) => a.order - b.order)
        .map(({ item }) => item),
    fork: (name) => seededRandom(`${seed}/${name}`),
  };
};

/** Four well mixed words of a text (FNV-1a, once for each word). */
const spread = (seed: string): Uint32Array =>
  Uint32Array.from({ length: 4 }, (_, word) => {
    let hash = 0x811c9dc5 ^ Math.imul(word, 0x9e3779b9);
    for (let at = 0; at < seed.length; at += 1) hash = Math.imul(hash ^ seed.charCodeAt(at), 0x01000193);
    return hash ^ (hash >>> 15);
  });
