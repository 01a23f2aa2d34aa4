// One component of a pattern, as Go's filepath.Match understands it (https://pkg.go.dev/path/filepath#Match), which restic uses.
import { HoldfastError } from '#lib/errors.ts';

/** Whether a file name (no '/' in it) fits. */
export type NameTest = (name: string) => boolean;

/** A component without any of these is compared as it is. */
export const isLiteral = (glob: string): boolean => !/[\\[\]*?]/.test(glob);

/** `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a character taken literally. CONFIG_INVALID when it is malformed. */
export const compileGlob = (glob: string): NameTest => {
  if (isLiteral(glob)) return (name) => name === glob;
  if (glob === '*') return () => true;
  const fixed = glob.replace(/^\*|\*$/, '');
  if (isLiteral(fixed)) {
    if (glob.startsWith('*')) return (name) => name.endsWith(fixed);
    return (name) => name.startsWith(fixed);
  }
  const expression = new RegExp(`^${expressionOf(glob)}$`, 'su');
  return (name) => expression.test(name);
};

/**
 * What stands between two stars is taken where it first fits, and not tried again elsewhere (a lookahead is not gone back into): there
 * are names for which all the ways to share a name among several stars would take for ever.
 */
const expressionOf = (glob: string): string => {
  const [first = '', ...others] = piecesOf(glob);
  const last = others.pop();
  if (last === undefined) return first;
  return `${first}${others.map((piece, at) => `(?=(.*?${piece}))\\${at + 1}`).join('')}.*${last}`;
};

/** The expressions of what stands before, between and after the stars. */
const piecesOf = (glob: string): string[] => {
  const characters = [...glob];
  const pieces: string[] = [];
  let expression = '';
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '*') {
      pieces.push(expression);
      expression = '';
    } else if (character === '?') expression += '.';
    else if (character === '[') {
      const set = setAt(characters, at, glob);
      expression += set.expression;
      at = set.end;
    } else if (character === '\\') {
      at += 1;
      expression += exactly(characters[at] ?? malformed(glob));
    } else expression += exactly(character);
  }
  return [...pieces, expression];
};

/** The set that begins at `[`, and where its `]` is. */
const setAt = (characters: readonly string[], start: number, glob: string) => {
  let at = start + 1;
  const negated = characters[at] === '^';
  if (negated) at += 1;
  const one = (): string => {
    const character = characters[at] ?? malformed(glob);
    if (character === '-' || character === ']') malformed(glob);
    at += 1;
    if (character !== '\\') return character;
    at += 1;
    return characters[at - 1] ?? malformed(glob);
  };
  const ranges: string[] = [];
  do {
    const low = one();
    if (characters[at] !== '-') ranges.push(exactly(low));
    else {
      at += 1;
      const high = one();
      if (codeOf(low) <= codeOf(high)) ranges.push(`${exactly(low)}-${exactly(high)}`);
    }
  } while (characters[at] !== ']');
  return { expression: `[${negated ? '^' : ''}${ranges.join('')}]`, end: at };
};

const codeOf = (character: string): number => character.codePointAt(0) as number;

const exactly = (character: string): string => `\\u{${codeOf(character).toString(16)}}`;

const malformed = (glob: string): never => {
  throw new HoldfastError('CONFIG_INVALID', `"${glob}" is not a valid pattern`, {
    hint: 'close each [ with a ] and write a backslash before a [, ], - or \\ that stands for itself',
  });
};
