// Several snapshots in one query: tables of the others have the name of their snapshot in front.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Snapshot } from '#repository/contract.ts';
import type { Askable, AskableTable } from './askable.ts';

export interface FirstSnapshot {
  readonly snapshot: Snapshot;
  readonly tables: Askable;
}

/**
 * `others` by their names, each opened when it is first asked for. Of the first, where there is one, there is nothing in front, and
 * only its tables are listed. PATH_UNKNOWN for a table of none; USAGE for what is another table of the first, too: of a schema or a
 * database that is called as another snapshot is, or with that name in its own.
 */
export const severalSnapshots = (
  first: FirstSnapshot | undefined,
  others: ReadonlyMap<string, Snapshot>,
  open: (snapshot: Snapshot) => Promise<Askable>,
): Askable => {
  const opened = new Map<string, Promise<Askable>>();
  const openOnce = (name: string, snapshot: Snapshot): Promise<Askable> => {
    const found = opened.get(name) ?? open(snapshot);
    opened.set(name, found);
    return found;
  };
  /** Those that have the table: of one called `a` it may be `b.c`, of one called `a.b` it may be `c`. */
  const having = async (wanted: string, candidates: readonly Other[]): Promise<Other[]> => {
    const found: Other[] = [];
    for (const one of candidates)
      if (await isThere(await openOnce(...one), restOf(wanted, one))) found.push(one);
    return found;
  };
  return {
    missing: first?.tables.missing ?? [],
    async named(wanted) {
      const candidates = othersOf(wanted, others);
      const [nearest] = candidates;
      if (nearest === undefined) {
        if (first === undefined) throw ofNone(wanted, [...others.keys()]);
        return await first.tables.named(wanted);
      }
      const [found = nearest, ...more] =
        candidates.length > 1 ? await having(wanted, candidates) : candidates;
      if (more.length > 0) throw inSeveral(wanted, [found, ...more]);
      const [name, snapshot] = found;
      const rest = restOf(wanted, found);
      const other = await openOnce(name, snapshot);
      if (first && (await isThere(first.tables, wanted))) {
        const isSame = first.snapshot.id === snapshot.id && (await isOne(first.tables, wanted, rest));
        if (!isSame) throw inBoth(wanted, name);
      }
      return await namedIn(name, other, rest);
    },
    async *tables() {
      if (first !== undefined) yield* first.tables.tables();
    },
  };
};

type Other = readonly [name: string, snapshot: Snapshot];

/** Those whose name stands in front, in lower or upper case; of `a` and `a.b`, the longer first. */
const othersOf = (wanted: string, others: ReadonlyMap<string, Snapshot>): readonly Other[] =>
  [...others]
    .filter(([name]) => wanted.toLowerCase().startsWith(`${name.toLowerCase()}.`))
    .toSorted(([one], [other]) => other.length - one.length);

const restOf = (wanted: string, [name]: Other): string => wanted.slice(name.length + 1);

const inSeveral = (wanted: string, found: readonly Other[]): HoldfastError =>
  new HoldfastError(
    'USAGE',
    `"${printable(wanted)}" can be ${found.map((one) => `"${printable(restOf(wanted, one))}" of ${one[0]}`).join(' or ')}`,
    { hint: 'SQLite does not tell which of the dots are in a name: call the table otherwise, or the source' },
  );

const ofNone = (wanted: string, names: readonly string[]): HoldfastError => {
  const [front = '', ...behind] = wanted.split('.');
  const near = behind.length > 0 ? didYouMean(front, names) : '';
  return new HoldfastError('PATH_UNKNOWN', `no snapshot is named in front of "${printable(wanted)}"${near}`, {
    hint: `write ${names[0]}.${printable(behind.join('.') || front)} for a table of ${names[0]}; there are ${names.join(', ')}`,
  });
};

/** One that was not captured, or cannot be asked, is there. */
const isThere = async (snapshot: Askable, wanted: string): Promise<boolean> => {
  try {
    await snapshot.named(wanted);
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return error.code !== 'PATH_UNKNOWN';
  }
};

/** Whether two names of a snapshot are of the same table. */
const isOne = async (snapshot: Askable, one: string, other: string): Promise<boolean> =>
  (await isThere(snapshot, other)) && (await snapshot.named(one)).id === (await snapshot.named(other)).id;

const inBoth = (wanted: string, name: string): HoldfastError =>
  new HoldfastError(
    'USAGE',
    `"${printable(wanted)}" is a table of the snapshot itself, and --with gives the name "${name}" to another snapshot`,
    { hint: 'give the snapshot of --with another name' },
  );

const namedIn = async (name: string, snapshot: Askable, wanted: string): Promise<AskableTable> => {
  try {
    const table = await snapshot.named(wanted);
    return { ...table, id: `${name}: ${table.id}` };
  } catch (error) {
    if (!hasCode(error, 'PATH_UNKNOWN', 'USAGE', 'ITEM_UNREADABLE', 'UNSUPPORTED')) throw error;
    throw new HoldfastError(error.code, `${name}: ${error.message}`, { cause: error, hint: error.hint });
  }
};
