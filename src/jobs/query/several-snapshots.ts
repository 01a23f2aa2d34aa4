// Several snapshots in one query: tables of the others have the name of their snapshot in front.
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { printable } from '#lib/format.ts';
import type { Askable, AskableTable } from './askable.ts';

/**
 * `others` by their names, in lower case. Of the first there is nothing in front, and only its tables are listed. USAGE for what is
 * a table of the first, too: of a schema or a database that is called as another snapshot is, or with that name in its own.
 */
export const severalSnapshots = (first: Askable, others: ReadonlyMap<string, Askable>): Askable => ({
  ...first,
  async named(wanted) {
    const dot = wanted.indexOf('.');
    const name = wanted.slice(0, Math.max(0, dot)).toLowerCase();
    const other = others.get(name);
    if (other === undefined) return await first.named(wanted);
    if (await isThere(first, wanted)) throw inBoth(wanted, name);
    return await namedIn(name, other, wanted.slice(dot + 1));
  },
});

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
