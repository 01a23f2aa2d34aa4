// Statements of an SQL script, told apart as psql does: a semicolon ends one unless it is quoted, in parentheses, or in the
// body of a function in standard SQL (https://www.postgresql.org/docs/current/sql-syntax-lexical.html).
import { HoldfastError } from '#lib/errors.ts';

export interface SqlStatement {
  /** With its semicolon. */
  readonly text: string;
  /** The line comments before it. */
  readonly comments: readonly string[];
}

/** Each alternative is one token; the order matters, and a quote without its end is none. */
const token = new RegExp(
  [
    String.raw`(?<space>\s+)`,
    String.raw`(?<comment>--[^\n]*)`,
    String.raw`(?<block>\/\*)`,
    String.raw`(?<escaped>[eE]'(?:[^'\\]|\\.|'')*')`,
    `(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\u{10ffff}][\w\u0080-\u{10ffff}]*)?\$)`,
    String.raw`(?<word>(?![eE]')[A-Za-z_\u0080-\u{10ffff}][\w$\u0080-\u{10ffff}]*)`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<command>\\[^\n]*)`,
    String.raw`(?<other>(?![eE]')[^'"\\])`,
  ].join('|'),
  'suy',
);

/** The statements of a script. Commands of psql are left out between statements, and an error within one. */
export function* lexSql(sql: string): Generator<SqlStatement> {
  const nesting = new Nesting();
  let comments: string[] = [];
  let start: number | undefined;
  for (let at = 0; at < sql.length; ) {
    token.lastIndex = at;
    const found = token.exec(sql)?.groups;
    if (!found || (found.command !== undefined && start !== undefined)) throw broken(sql, at);
    const next = endOfToken(sql, at, token.lastIndex, found);
    const isFiller = found.space ?? found.comment ?? found.block ?? found.command;
    if (found.comment !== undefined && start === undefined) comments.push(found.comment);
    if (isFiller === undefined) {
      start ??= at;
      if (nesting.endsWith(found)) {
        yield { text: sql.slice(start, next), comments };
        comments = [];
        start = undefined;
      }
    }
    at = next;
  }
  if (start !== undefined) throw broken(sql, start);
}

type Found = Readonly<Record<string, string | undefined>>;

/** How deep in parentheses and BEGIN … END a statement is. */
class Nesting {
  #parentheses = 0;
  #blocks = 0;
  /** The first words of the statement, in small letters. */
  #words: string[] = [];

  /** Takes the next token; true when it is the semicolon that ends the statement. */
  endsWith({ word, other }: Found): boolean {
    if (word !== undefined) this.#seeWord(word.toLowerCase());
    else if (other === '(') this.#parentheses += 1;
    else if (other === ')') this.#parentheses = Math.max(0, this.#parentheses - 1);
    else if (other === ';' && this.#parentheses === 0 && this.#blocks === 0) {
      this.#words = [];
      return true;
    }
    return false;
  }

  #seeWord(word: string): void {
    if (this.#words.length < 4) this.#words.push(word);
    if (this.#parentheses > 0 || !/^create( or replace)? (function|procedure)\b/.test(this.#words.join(' ')))
      return;
    if (word === 'begin' || (word === 'case' && this.#blocks > 0)) this.#blocks += 1;
    else if (word === 'end' && this.#blocks > 0) this.#blocks -= 1;
  }
}

const endOfToken = (sql: string, at: number, end: number, { block, dollar }: Found): number => {
  if (block !== undefined) return endOfBlockComment(sql, at);
  if (dollar === undefined) return end;
  const close = sql.indexOf(dollar, end);
  if (close < 0) throw broken(sql, at);
  return close + dollar.length;
};

/** Block comments nest. */
const endOfBlockComment = (sql: string, start: number): number => {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 0;
  for (let match = edge.exec(sql); match; match = edge.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
  throw broken(sql, start);
};

const broken = (sql: string, at: number): HoldfastError =>
  new HoldfastError(
    'TARGET_FAILED',
    `the SQL in the snapshot cannot be understood from line ${sql.slice(0, at).split('\n').length} on`,
    { hint: 'it is cut short, or was not written by pg_dump; restore it with psql to see more' },
  );
