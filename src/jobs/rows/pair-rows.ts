// Rows of two snapshots that have the same key are one row that changed.
import type { RowShape, RowValues } from '#sources/table-reader.ts';
import type { Sides } from './unmatched.ts';

export interface RowChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** The columns that tell the row from others; empty where none are known. */
  readonly key: RowValues;
  readonly before?: RowValues;
  readonly after?: RowValues;
}

interface KeyedRow {
  readonly row: Buffer;
  readonly key: RowValues;
}

/** What was removed or changed in the order of the first side, then what was added. A row of no key is never one that changed. */
export function* pairRows(
  rows: Sides<readonly Buffer[]>,
  [older, newer]: Sides<RowShape>,
): Generator<RowChange> {
  const before = byKey(rows[0], older, newer.key);
  const after = byKey(rows[1], newer, newer.key);
  const isPair = (name: string): boolean =>
    newer.key.length > 0 && before.get(name)?.length === 1 && after.get(name)?.length === 1;
  for (const [name, same] of before) {
    const [twin] = (isPair(name) && after.get(name)) || [];
    for (const { row, key } of same)
      yield {
        change: twin ? 'changed' : 'removed',
        key,
        before: older.valuesOf(row),
        ...(twin && { after: newer.valuesOf(twin.row) }),
      };
  }
  for (const [name, same] of after)
    if (!isPair(name))
      for (const { row, key } of same) yield { change: 'added', key, after: newer.valuesOf(row) };
}

const byKey = (
  rows: readonly Buffer[],
  { valuesOf }: RowShape,
  columns: readonly string[],
): Map<string, KeyedRow[]> => {
  const found = new Map<string, KeyedRow[]>();
  for (const row of rows) {
    const values = valuesOf(row);
    const key = new Map(columns.map((name) => [name, values.get(name) ?? null]));
    const name = JSON.stringify([...key.values()]);
    const same = found.get(name) ?? [];
    found.set(name, same);
    same.push({ row, key });
  }
  return found;
};
