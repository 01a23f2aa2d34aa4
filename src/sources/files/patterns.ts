// Patterns for paths, with the meaning that restic gives them (https://restic.readthedocs.io, «Excluding Files»):
// a pattern matches when its components fit consecutive components anywhere in the path; one that begins with '/' is
// anchored at the root; '**' stands for any number of components; '!' takes back what earlier patterns matched.
import { posix } from 'node:path';
import { HoldfastError, hintOf } from '#lib/errors.ts';
import { slashed } from '#lib/file-name.ts';
import { compileGlob, isLiteral, type NameTest } from './glob.ts';

/** What a list of patterns says of a path. Quick when paths of one folder are asked one after the other. */
export interface Patterns {
  /** True for what a pattern fits, and for everything below it. */
  matches(path: string): boolean;
  /** False when nothing below this folder can match. */
  mayMatchBelow(path: string): boolean;
}

/** Compiles patterns; empty ones are ignored, a malformed one is CONFIG_INVALID. The last one that matches decides. */
export const compilePatterns = (
  texts: readonly string[],
  { ignoreCase = false }: { readonly ignoreCase?: boolean } = {},
): Patterns => {
  const patterns = texts
    .filter((text) => text !== '')
    .map((text) => parse(ignoreCase ? text.toLowerCase() : text));
  const index = indexOf(patterns);
  const lastUnrooted = patterns.findLastIndex(({ negated, rooted }) => !negated && !rooted);
  let cached: Standing = { folder: '\0', highest: -1, highestNegated: -1 };

  /** What the folder's own path matches; all below it matches that too. */
  const standingOf = (folder: string): Standing => {
    if (cached.folder !== folder) cached = judge(folder);
    return cached;
  };
  const judge = (path: string): Standing => {
    const cut = path.lastIndexOf('/');
    const parent = cut > 0 ? standingOf(path.slice(0, cut)) : cut === 0 ? index.root : nothing;
    let { highest, highestNegated } = parent;
    for (const at of index.endingAt(path, cut)) {
      if (at > highest) highest = at;
      if (at > highestNegated && patterns[at]?.negated) highestNegated = at;
    }
    return { folder: path, highest, highestNegated };
  };
  const fold = (path: string): string => (ignoreCase ? path.toLowerCase() : path);
  return {
    matches: (path) => {
      const { highest } = judge(fold(path));
      return highest >= 0 && !patterns[highest]?.negated;
    },
    mayMatchBelow: (path) => {
      const { highestNegated } = judge(fold(path));
      if (lastUnrooted > highestNegated) return true;
      const names = namesOf(fold(path));
      const rooted = path.startsWith('/');
      return patterns.some(
        (pattern, at) => at > highestNegated && !pattern.negated && rooted && leadsTo(pattern, names),
      );
    },
  };
};

/** The numbers of the last pattern, and of the last negated one, that match a path; -1 for none. */
interface Standing {
  readonly folder: string;
  readonly highest: number;
  readonly highestNegated: number;
}

const nothing: Standing = { folder: '', highest: -1, highestNegated: -1 };

interface Pattern {
  readonly negated: boolean;
  readonly rooted: boolean;
  /** `undefined` is '**'. */
  readonly parts: readonly (NameTest | undefined)[];
  /** What the last component looks like, to find the pattern by. */
  readonly last: string;
}

const parse = (text: string): Pattern => {
  const negated = text.startsWith('!');
  const clean = posix.normalize(slashed(negated ? text.slice(1) : text)).replace(/(?<=.)\/$/, '');
  const rooted = clean.startsWith('/');
  const globs = clean.split('/').slice(rooted ? 1 : 0);
  // '**' at an end adds nothing: what lies below a match matches anyway, and a relative pattern fits anywhere.
  while (globs.at(-1) === '**' || globs.at(-1) === '') globs.pop();
  if (!rooted) while (globs[0] === '**') globs.shift();
  if (globs.length === 0 && !rooted) globs.push('*');
  try {
    const parts = globs.map((glob) => (glob === '**' ? undefined : compileGlob(glob)));
    return { negated, rooted, parts, last: globs.at(-1) ?? '' };
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `the pattern "${text}" is malformed`, {
      hint: hintOf(cause),
      cause,
    });
  }
};

interface Index {
  /** What every absolute path matches. */
  readonly root: Standing;
  /** The numbers of the patterns that match with their last component on the path's last one. */
  endingAt(path: string, cut: number): number[];
}

/** Finds the few patterns that can end at a name, by the name itself or by its extension, without trying all. */
const indexOf = (patterns: readonly Pattern[]): Index => {
  const byName = new Map<string, number[]>();
  const byExtension = new Map<string, number[]>();
  const others: number[] = [];
  let root = nothing;
  for (const [at, { last, parts, negated }] of patterns.entries()) {
    const suffix = last.startsWith('*') && isLiteral(last.slice(1)) ? extensionOf(last) : '';
    if (parts.length === 0)
      root = { folder: '', highest: at, highestNegated: negated ? at : root.highestNegated };
    else if (isLiteral(last)) append(byName, last, at);
    else if (suffix !== '') append(byExtension, suffix, at);
    else others.push(at);
  }
  const endingAt = (path: string, cut: number): number[] => {
    const name = path.slice(cut + 1);
    const named = byName.get(name);
    const extended = byExtension.size > 0 ? byExtension.get(extensionOf(name)) : undefined;
    if (!named && !extended && others.length === 0) return none;
    const names = namesOf(path);
    const fits = (at: number): boolean => {
      const pattern = patterns[at] as Pattern;
      if (pattern.rooted && !path.startsWith('/')) return false;
      return endsAt(pattern, names, pattern.parts.length - 1, names.length - 1);
    };
    return [...(named ?? none), ...(extended ?? none), ...others].filter(fits);
  };
  return { root, endingAt };
};

const none: number[] = [];

const append = (map: Map<string, number[]>, key: string, at: number): void => {
  const list = map.get(key);
  if (list) list.push(at);
  else map.set(key, [at]);
};

const extensionOf = (name: string): string => {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
};

const namesOf = (path: string): string[] => path.split('/').slice(path.startsWith('/') ? 1 : 0);

/** True when the pattern's parts up to `part` fit the names up to `name`, the last on the last. */
const endsAt = (pattern: Pattern, names: readonly string[], part: number, name: number): boolean => {
  for (; part >= 0; part -= 1, name -= 1) {
    const test = pattern.parts[part];
    if (test === undefined) {
      for (let before = name; before >= -1; before -= 1)
        if (endsAt(pattern, names, part - 1, before)) return true;
      return false;
    }
    if (name < 0 || !test(names[name] as string)) return false;
  }
  return !pattern.rooted || name === -1;
};

/** True when a rooted pattern's beginning (up to its first '**') and the names agree as far as both go. */
const leadsTo = ({ parts }: Pattern, names: readonly string[]): boolean => {
  for (const [at, name] of names.entries()) {
    if (at >= parts.length || parts[at] === undefined) return true;
    if (!parts[at](name)) return false;
  }
  return true;
};
