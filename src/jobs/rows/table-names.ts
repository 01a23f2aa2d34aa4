// Which tables a name stands for.
import type { Manifest } from '#sources/manifest.ts';

/** The tables of that name, in full as the manifest has them or without a schema. A partitioned table is those that have its rows. */
export const tablesNamed = ({ tables, missing, partitioned = [] }: Manifest, wanted: string): string[] => {
  const parts = partitioned.filter(({ name }) => fits(name, wanted)).flatMap((parent) => parent.tables);
  const names = [...tables, ...missing].map(({ name }) => name);
  return names.filter((name) => fits(name, wanted) || parts.includes(name));
};

const fits = (name: string, wanted: string): boolean => name === wanted || name.endsWith(`.${wanted}`);
