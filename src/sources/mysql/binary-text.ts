// Definitions are bytes: a routine's body is in the character set of whoever wrote it. They are handled as «binary text», a string
// with one character a byte, in which SQL's own words and quotes can be found since they are ASCII.
import { quoteIdentifier } from './identifiers.ts';

/** Text as binary text of its UTF-8. */
export const binaryOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Binary text as its bytes. */
export const bytesOf = (binary: string): Buffer => Buffer.from(binary, 'latin1');

/** Binary text that is known to be UTF-8, as text. */
export const textOfBinary = (binary: string): string => bytesOf(binary).toString('utf8');

/** `orders` with its quotes, as binary text. */
export const binaryIdentifier = (name: string): string => binaryOf(quoteIdentifier(name));

/** What stands in quotes, of any of the three kinds, or in a comment; the source of a regular expression. */
export const quotedSource = String.raw`\`(?:[^\`]|\`\`)*\`|'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"\\]|""|\\[\s\S])*"`;
