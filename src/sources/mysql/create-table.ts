// A CREATE TABLE of SHOW CREATE TABLE, taken apart into what stands between its commas.
import { HoldfastError } from '#lib/errors.ts';
import { listItems } from '../sql-values.ts';
import { binaryIdentifier, quotedSource } from './binary-text.ts';

export interface CreateTable {
  /** Columns, keys and constraints. */
  readonly parts: readonly string[];
  /** What follows the closing bracket: engine and options. */
  readonly options: string;
}

const head = /^CREATE TABLE `(?:[^`]|``)*` \(\n/;
const token = new RegExp(`${quotedSource}|[(),]`, 'g');

/** Undefined for a statement of another form, such as that of a sequence. */
export const parseCreateTable = (statement: string): CreateTable | undefined => {
  const start = head.exec(statement)?.[0].length;
  if (start === undefined) return undefined;
  const { items, end } = listItems(statement, start, token);
  if (end !== undefined) return { parts: items.map((item) => item.trim()), options: statement.slice(end) };
  throw new HoldfastError('FAILED', 'a CREATE TABLE of the server has no end');
};

/** The statement of these parts under a name. */
export const createTableStatement = (name: string, { parts, options }: CreateTable): string =>
  `CREATE TABLE ${binaryIdentifier(name)} (\n  ${parts.join(',\n  ')}\n)${options}`;

export const isForeignKey = (part: string): boolean => /^CONSTRAINT `(?:[^`]|``)*` FOREIGN KEY /.test(part);

export const isPrimaryKey = (part: string): boolean => part.startsWith('PRIMARY KEY ');

/** A check whose name the server or a user gave; in MySQL a name is taken once in a database. */
export const withoutCheckName = (part: string): string =>
  part.replace(/^CONSTRAINT `(?:[^`]|``)*` (?=CHECK )/, '');

/** The servers do not show that an AUTO_INCREMENT column may be NULL, which it is only when that is said, and behind it. */
export const withNullNumbers = (statement: string): string =>
  statement.replace(nullNumber, (column) => `${column} NULL`);

const nullNumber = /(?<=^ {2})`(?:[^`]|``)*` (?:(?! NOT NULL)[^'`\n])* AUTO_INCREMENT(?=[ ,\n])/m;

/** MariaDB gives texts and blobs plain defaults, which MySQL takes as expressions only. */
export const withDefaultExpressions = (statement: string): string =>
  statement.replace(plainDefault, '$1($2)');

const plainDefault =
  /(?<=^ {2})(`(?:[^`]|``)*` (?:tiny|medium|long)?(?:text|blob)\b[^'`\n]*? DEFAULT )('(?:[^'\\]|''|\\[\s\S])*')/gm;

/** MariaDB shows options that no engine knows in comments, which make nothing. */
export const withUnknownOptions = (statement: string): string =>
  statement.replace(unknownOptions, (found, options?: string) => options ?? found);

const unknownOptions = new RegExp(
  `${quotedSource}| /\\*((?: \`(?:[^\`]|\`\`)*\`='(?:[^'\\\\]|''|\\\\[\\s\\S])*')+) \\*/`,
  'g',
);

/** The same definition, whatever number comes next. */
export const withoutNextNumber = (statement: string): string =>
  statement.replace(/^(\)[^\n]*?) AUTO_INCREMENT=\d+/m, '$1');
