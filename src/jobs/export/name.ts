// How exported files are called.
import type { exportNameFields } from '#config/jobs/export.ts';

export type ExportNameWords = Readonly<Record<(typeof exportNameFields)[number], string>>;

/** The name before its number: of several files that would be called the same, the second one is `…_2.csv`. */
export const exportName = (template: string, words: ExportNameWords, number: number): string => {
  const name = template.replaceAll(/\{([^{}]*)\}/g, (_, field: string) =>
    cleaned(words[field as keyof ExportNameWords]),
  );
  if (number === 1) return name;
  const at = name.indexOf('.', name.lastIndexOf('/') + 2);
  return at < 0 ? `${name}_${number}` : `${name.slice(0, at)}_${number}${name.slice(at)}`;
};

/** As Medusa does it: blanks become _, and what is awkward in a file's name is left out. */
const cleaned = (word: string): string =>
  word
    .replaceAll(' ', '_')
    .replaceAll(/[\p{Cc}:.\\/"*?<>|-]/gu, '')
    .slice(0, longestWord) || '_';

const longestWord = 60;
