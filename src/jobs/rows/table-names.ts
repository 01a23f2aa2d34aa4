// Which tables a name stands for.
import type { Manifest } from '#sources/manifest.ts';

/** The tables of that name, in full as the manifest has them or without a schema. A partitioned table is those that have its rows. */
export const tablesNamed = ({ tables, missing, partitioned = [] }: Manifest, wanted: string): string[] => {
  const parts = partitioned.filter(({ name }) => isCalled(name, wanted)).flatMap((parent) => parent.tables);
  const names = [...tables, ...missing].map(({ name }) => name);
  return names.filter((name) => isCalled(name, wanted) || parts.includes(name));
};

/** In full, or without a schema. */
export const isCalled = (name: string, wanted: string): boolean =>
  name === wanted || name.endsWith(`.${wanted}`);
