// The text of a trigger as it was written: MariaDB keeps the name of the database in it, and would make it there wherever it is restored.

const gap = String.raw`(?:\s|/\*.*?\*/|(?:--\s|#)[^\n]*\n)`;
const name = String.raw`(?:${'`(?:[^`]|``)*`'}|"(?:[^"]|"")*"|[\w$\x80-\xff]+)`;
const database = `(?:${name}${gap}*\\.${gap}*)`;
const quoted = `(?:${'`(?:[^`]|``)*`'}|"(?:[^"]|"")*")`;
const beginning = `^CREATE (?:OR REPLACE )?(?:DEFINER=${quoted}(?:@${quoted})? )?TRIGGER${gap}+(?:IF${gap}+NOT${gap}+EXISTS${gap}+)?`;
const moment = `${gap}+(?:BEFORE|AFTER)${gap}+\\w+(?:${gap}+OR${gap}+\\w+)*${gap}+ON${gap}+`;

const whole = new RegExp(`(${beginning})${database}?(${name}${moment})${database}?(?=${name})`, 'is');
const qualified = new RegExp(beginning + database, 'is');

/** The statement, in binary text, for the database in use. */
export const triggerHere = (statement: string): string => statement.replace(whole, '$1$2');

/** Whether it would make the trigger in a database that it names. */
export const namesItsDatabase = (statement: string): boolean => qualified.test(statement);
