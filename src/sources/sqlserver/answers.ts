// What the catalogue answered, and what it did not.
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { type Question, type QuestionName, questions } from './catalogue.ts';
import type { Connection } from './connect.ts';
import { errorNumber, number } from './server-error.ts';

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

export interface Answers {
  /** Empty where there was no answer. */
  readonly rows: Readonly<Record<QuestionName, readonly Row[]>>;
  /** What could not be learnt though it may be there, by its name. */
  readonly failures: readonly Unlearnt[];
  /** Views that this server has not, and where nothing shows that they are missed. */
  readonly absent: readonly string[];
}

export interface Unlearnt {
  readonly what: string;
  readonly error: HoldfastError;
}

/** Without these, nothing of a database can be known. */
const essential: readonly QuestionName[] = ['database', 'types', 'tables', 'columns', 'objects'];

/** Asks all questions of the database that the connection is in. */
export const askCatalogue = async (connection: Connection): Promise<Answers> => {
  const rows = {} as Record<QuestionName, readonly Row[]>;
  const unanswered = new Map<QuestionName, unknown>();
  for (const name of Object.keys(questions) as QuestionName[])
    try {
      rows[name] = await connection.query(questions[name].sql);
    } catch (error) {
      if (errorNumber(error) === undefined || !connection.usable) throw error;
      if (essential.includes(name)) throw unanswerable(questions[name], connection.database, error);
      rows[name] = [];
      unanswered.set(name, error);
    }
  return { rows, ...judge(unanswered, rows.objects) };
};

const unanswerable = ({ about }: Question, database: string, cause: unknown): HoldfastError =>
  new HoldfastError('SOURCE_DENIED', `${about} of ${database} cannot be listed: ${messageOf(cause)}`, {
    hint: 'grant view definition on the database to the login',
    cause,
  });

/** A view that is missing loses what is in it, object by object; any other refusal loses all that was asked for. */
const judge = (
  unanswered: ReadonlyMap<QuestionName, unknown>,
  objects: readonly Row[],
): Pick<Answers, 'failures' | 'absent'> => {
  const failures: Unlearnt[] = [];
  const absent: string[] = [];
  for (const [name, cause] of unanswered) {
    const question: Question = questions[name];
    const fail = (what: string): void => void failures.push({ what, error: unlearnt(what, cause) });
    if (question.optional === 'told') absent.push(question.about);
    if (question.optional) continue;
    if (errorNumber(cause) !== number.invalidObject) {
      fail(question.about);
      continue;
    }
    const types = question.objectTypes ?? [];
    const present = objects.filter((object) => types.includes(`${object.type}`.trim()));
    for (const object of present) fail(`${object.schema}.${object.name}`);
    if (present.length === 0) absent.push(question.about);
  }
  return { failures, absent };
};

const unlearnt = (what: string, cause: unknown): HoldfastError =>
  hasCode(cause, 'ITEM_UNREADABLE')
    ? cause
    : new HoldfastError('ITEM_UNREADABLE', `the catalogue does not tell of ${what}: ${messageOf(cause)}`, {
        hint: 'grant view definition on the database, or keep it with `native`',
        cause,
      });

/** Not every server keeps the case of a name that it is given for a column. */
const cellOf = (row: Row, column: string): unknown => row[column] ?? row[column.toLowerCase()];

/** The value as text; undefined for NULL. */
export const textOf = (row: Row, column: string): string | undefined => {
  const value = cellOf(row, column);
  return value === null || value === undefined ? undefined : `${value}`;
};

export const nameOf = (row: Row, column = 'name'): string => textOf(row, column) ?? '';
export const intOf = (row: Row, column: string): number => Number(cellOf(row, column) ?? 0);
export const isSet = (row: Row, column: string): boolean =>
  cellOf(row, column) === true || intOf(row, column) === 1;
