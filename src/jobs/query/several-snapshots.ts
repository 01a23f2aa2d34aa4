// Several snapshots in one query: tables of the others have the name of their snapshot in front.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import type { Askable, AskableTable } from './askable.ts';

/** `others` by their names, in lower case. Of the first there is nothing in front, and only its tables are listed. */
export const severalSnapshots = (first: Askable, others: ReadonlyMap<string, Askable>): Askable => ({
  ...first,
  async named(wanted) {
    const dot = wanted.indexOf('.');
    const name = wanted.slice(0, Math.max(0, dot)).toLowerCase();
    const other = others.get(name);
    return other ? await namedIn(name, other, wanted.slice(dot + 1)) : await first.named(wanted);
  },
});

const namedIn = async (name: string, snapshot: Askable, wanted: string): Promise<AskableTable> => {
  try {
    const table = await snapshot.named(wanted);
    return { ...table, id: `${name}: ${table.id}` };
  } catch (error) {
    if (!hasCode(error, 'PATH_UNKNOWN', 'USAGE', 'ITEM_UNREADABLE', 'UNSUPPORTED')) throw error;
    throw new HoldfastError(error.code, `${name}: ${error.message}`, { cause: error, hint: error.hint });
  }
};
