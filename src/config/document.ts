// The YAML text as plain values, and where in the text each of them stands.
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type Environment, interpolate } from './interpolate.ts';

/** Keys of mappings and indexes of lists, from the top. */
export type Path = readonly (string | number)[];

/** Lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Mistake extends Position {
  /** The keys that lead to it; empty when the text itself is wrong. */
  readonly path: Path;
  readonly message: string;
}

export interface ParsedDocument {
  /** The file's values with variables replaced and anchors followed; undefined when the text is not YAML at all. */
  readonly value: unknown;
  readonly mistakes: readonly Mistake[];
  /** Of the key or value at a path; of the nearest thing above it when it is not there. */
  positionOf(path: Path, part: 'key' | 'value'): Position;
}

/** Reads YAML 1.2 with anchors and merge keys; duplicate keys, unknown tags and aliases, and missing variables are mistakes. */
export const parseYaml = (text: string, env: Environment): ParsedDocument => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    stringKeys: true,
    resolveKnownTags: false,
    prettyErrors: false,
  });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const mistakeAt = (offset: number, message: string, path: Path = []): Mistake => ({
    ...positionAt(offset),
    path,
    message,
  });
  const positionOf = (path: Path, part: 'key' | 'value') => positionAt(offsetOf(document, path, part));

  const errors = [...document.errors, ...document.warnings];
  const syntax = errors.map((error) => mistakeAt(error.pos[0], syntaxMessage(error, text)));
  const firstBroken = errors.findIndex(({ code }) => !understood.has(code));
  if (firstBroken >= 0)
    return { value: undefined, mistakes: syntax.slice(firstBroken, firstBroken + 1), positionOf };
  if (errors.some(({ code }) => code !== 'DUPLICATE_KEY'))
    return { value: undefined, mistakes: oneALine(syntax), positionOf };

  const links = brokenLinks(document).map((located) => mistakeAt(...located));
  if (links.length > 0) return { value: undefined, mistakes: [...syntax, ...links], positionOf };

  const mistakes = [
    ...syntax,
    ...replaceVariables(document, text, env).map((located) => mistakeAt(...located)),
  ];
  try {
    return { value: document.toJS({ maxAliasCount }), mistakes, positionOf };
  } catch {
    const endless = mistakeAt(0, 'its anchors refer to themselves, or to one another too many times');
    return { value: undefined, mistakes: [...mistakes, endless], positionOf };
  }
};

/** Plain values as YAML for people to read. */
export const formatYaml = (value: unknown): string => stringify(value, { lineWidth: 0 });

/** Enough for a fleet of sites that share an anchor, and too few for a file that explodes. */
const maxAliasCount = 100_000;

/** After any other mistake, the parser takes the rest of the file for something else than it is, and finds fault with all of it. */
const understood: ReadonlySet<YAMLError['code']> = new Set([
  'DUPLICATE_KEY',
  'MULTIPLE_DOCS',
  'TAG_RESOLVE_FAILED',
]);

type Located = readonly [offset: number, message: string, path?: Path];

// Nothing of what is written reaches a message, for it may be a password that should have been quoted.
const syntaxMessage = (error: YAMLError, text: string): string => {
  if (error.code === 'DUPLICATE_KEY') return `the key ${keyAt(text, error.pos[0])} is here twice`;
  if (error.code === 'MULTIPLE_DOCS') return 'the file holds more than one document';
  if (error.code === 'TAG_RESOLVE_FAILED') return 'an unknown tag; a text that begins with ! needs quotes';
  if (error.code === 'NON_STRING_KEY') return 'not YAML as it is read here: a key must be a text';
  if (error.code === 'RESOURCE_EXHAUSTION') return 'it is nested too deeply';
  if (error.message.startsWith('Unexpected alias')) return 'not YAML: a text that begins with * needs quotes';
  const [offset] = error.pos;
  if (text.slice(offset - 1, offset + 1) === '${')
    return `not YAML: between { and } or [ and ], a text with a variable in it needs quotes: "\${NAME}"`;
  return `not YAML: ${error.message.replace(/ in YAML stream: .*$/s, '')}`;
};

const keyAt = (text: string, offset: number): string =>
  `"${/^["']?([^\s:"',}]*)/.exec(text.slice(offset))?.[1] ?? ''}"`;

/** One mistake makes a parser stumble several times; the first time on each line says enough. */
const oneALine = (mistakes: readonly Mistake[]): Mistake[] => [
  ...new Map(mistakes.toReversed().map((flaw) => [flaw.line, flaw])).values(),
];

const brokenLinks = (document: Document.Parsed): Located[] => {
  const found: Located[] = [];
  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document))
        found.push([startOf(alias), 'no such anchor before this; a text that begins with * needs quotes']);
    },
    Pair(_, pair) {
      const offset = startOf(pair.key);
      if (isScalar(pair.key) && pair.key.value === '__proto__')
        found.push([offset, 'unknown key "__proto__"']);
      if (isMergeKey(pair) && mergedMaps(document, pair).includes(undefined))
        found.push([offset, '<< takes a mapping, or a list of them']);
    },
  });
  return found;
};

const replaceVariables = (document: Document.Parsed, text: string, env: Environment): Located[] => {
  const found: Located[] = [];
  visit(document, {
    Scalar(role, scalar, ancestors) {
      if (role === 'key' || typeof scalar.value !== 'string' || !scalar.value.includes('$')) return;
      const { text: value, problems } = interpolate(scalar.value, env);
      scalar.value = value;
      const start = startOf(scalar);
      for (const { written, message } of problems)
        found.push([Math.max(text.indexOf(written, start), start), message, pathOf([...ancestors, scalar])]);
    },
  });
  return found;
};

/** The keys and indexes along a chain of nodes, each in the one before. */
const pathOf = (chain: readonly unknown[]): Path =>
  chain.flatMap((node, depth): (string | number)[] => {
    if (isPair(node)) return isScalar(node.key) ? [String(node.key.value)] : [];
    return isSeq(node) ? [node.items.indexOf(chain[depth + 1])] : [];
  });

const offsetOf = (document: Document.Parsed, path: Path, part: 'key' | 'value'): number => {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, step] of path.entries()) {
    const container = follow(document, node);
    if (isSeq(container)) {
      node = container.items[Number(step)];
      if (node === undefined) return offset;
      offset = startOf(node, offset);
    } else {
      const pair = isMap(container) ? findPair(document, container, String(step)) : undefined;
      if (!pair) return offset;
      node = pair.value;
      const last = depth === path.length - 1;
      offset = last && part === 'value' ? startOf(node, startOf(pair.key)) : startOf(pair.key, offset);
    }
  }
  return offset;
};

const findPair = (document: Document.Parsed, map: YAMLMap, key: string): Pair | undefined => {
  const merges: Pair[] = [];
  for (const pair of map.items) {
    if (isMergeKey(pair)) merges.push(pair);
    else if (isScalar(pair.key) && String(pair.key.value) === key) return pair;
  }
  return merges
    .flatMap((merge) => mergedMaps(document, merge))
    .map((merged) => merged && findPair(document, merged, key))
    .find((pair) => pair !== undefined);
};

const isMergeKey = (pair: Pair): boolean =>
  isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '<<';

const mergedMaps = (document: Document.Parsed, merge: Pair): (YAMLMap | undefined)[] => {
  const value = follow(document, merge.value);
  return (isSeq(value) ? value.items : [value]).map((item) => {
    const map = follow(document, item);
    return isMap(map) ? map : undefined;
  });
};

const follow = (document: Document.Parsed, node: unknown): unknown =>
  isAlias(node) ? node.resolve(document) : node;

/** A value that is not written has no place of its own. */
const startOf = (node: unknown, otherwise = 0): number => {
  if (isPair(node)) return startOf(node.key, otherwise);
  const range = (node as Node | null | undefined)?.range;
  return range && range[1] > range[0] ? range[0] : otherwise;
};
