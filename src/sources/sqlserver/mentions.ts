// Which things must be there before others, told by whose names their texts mention: too many rather than too few.

export interface Named {
  readonly name: string;
  readonly text: string;
}

const word = /\[((?:[^\]]|\]\])+)\]|"((?:[^"]|"")+)"|([\p{L}_#@][\p{L}\p{N}_#@$]*)/gu;

/** The names in a text of T-SQL, in small letters. Words of comments and strings are among them. */
export const mentionedNames = (text: string): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const [, bracketed, quoted, plain] of text.matchAll(word))
    names.add(
      (bracketed?.replaceAll(']]', ']') ?? quoted?.replaceAll('""', '"') ?? plain ?? '').toLowerCase(),
    );
  return names;
};

/** What is mentioned comes first; otherwise the order stays. Where things mention each other in a circle, it stays too. */
export const orderByMention = <Item extends Named>(items: readonly Item[]): Item[] => {
  const byName = Map.groupBy(items, ({ name }) => name.toLowerCase());
  const ordered = new Set<Item>();
  const begun = new Set<Item>();
  // A stack of our own: views on views may go deeper than calls can.
  for (const root of items) {
    const stack = [{ item: root, pending: dependenciesOf(root, byName) }];
    if (begun.has(root)) continue;
    begun.add(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.pending.pop();
      if (next === undefined) {
        ordered.add(top.item);
        stack.pop();
      } else if (!begun.has(next)) {
        begun.add(next);
        stack.push({ item: next, pending: dependenciesOf(next, byName) });
      }
    }
  }
  return [...ordered];
};

const dependenciesOf = <Item extends Named>(
  item: Item,
  byName: ReadonlyMap<string, readonly Item[]>,
): Item[] =>
  [...mentionedNames(item.text)]
    .flatMap((name) => byName.get(name) ?? [])
    .filter((each) => each !== item)
    .reverse();

/** Of these things, those that the texts mention, and those that they mention, to the last. */
export const mentionedBy = <Item extends Named>(
  texts: readonly string[],
  items: readonly Item[],
): ReadonlySet<Item> => {
  const byName = Map.groupBy(items, ({ name }) => name.toLowerCase());
  const found = new Set<Item>();
  const pending = [...texts];
  for (let text = pending.pop(); text !== undefined; text = pending.pop())
    for (const name of mentionedNames(text))
      for (const item of byName.get(name) ?? []) {
        if (found.has(item)) continue;
        found.add(item);
        pending.push(item.text);
      }
  return found;
};
