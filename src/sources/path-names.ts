// Names of databases and tables as parts of a path in a backup.

/** What would confuse a path, or a file system. */
const confusing = /[\p{Cc}/.=\\]/gu;

/**
 * A name as one part of a path: what would confuse is written as in quoted-printable, '=2E', and half of a character as '=uD800'.
 * Letters of every script stay as they are.
 */
export const encodeName = (name: string, escaped = confusing): string =>
  name.replaceAll(escaped, narrow).replaceAll(/\p{Cs}/gu, wide);

/** The inverse of encodeName, whatever was escaped. */
export const decodeName = (encoded: string): string =>
  encoded.replaceAll(/=u([0-9A-F]{4})|=([0-9A-F]{2})/g, (_, four?: string, two?: string) =>
    String.fromCharCode(Number.parseInt(four ?? two ?? '', 16)),
  );

/** The folder of a database by its encoded name. It sorts after the server's own files, whose names begin with '0'. */
export const folderOf = (encoded: string): string =>
  encoded < '1' ? narrow(encoded.slice(0, 1)) + encoded.slice(1) : encoded;

const narrow = (char: string): string => `=${hexadecimal(char, 2)}`;
const wide = (char: string): string => `=u${hexadecimal(char, 4)}`;

const hexadecimal = (char: string, digits: number): string =>
  char.charCodeAt(0).toString(16).toUpperCase().padStart(digits, '0');
