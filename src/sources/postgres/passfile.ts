// ~/.pgpass (https://www.postgresql.org/docs/current/libpq-pgpass.html).
import { readFileSync, statSync } from 'node:fs';
import { HoldfastError, messageOf } from '#lib/errors.ts';

export interface PasswordQuery {
  /** A Unix socket's folder is looked up as 'localhost' too. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/** The password of the first line that fits, or undefined. A file that others can read is refused, as libpq does. */
export const passwordFromFile = (file: string, query: PasswordQuery): string | undefined => {
  const status = statSync(file, { throwIfNoEntry: false });
  if (!status?.isFile()) return undefined;
  if (process.platform !== 'win32' && (status.mode & 0o077) !== 0)
    throw new HoldfastError('CONFIG_INVALID', `the password file ${file} is open to other users`, {
      hint: `chmod 600 ${file}`,
    });
  for (const line of readText(file).split('\n')) {
    if (line.startsWith('#')) continue;
    const [host, port, database, user, password] = fieldsOf(line);
    const hosts = query.host.startsWith('/') ? [query.host, 'localhost'] : [query.host];
    if (password === undefined || !hosts.some((each) => fits(host, each))) continue;
    if (fits(port, `${query.port}`) && fits(database, query.database) && fits(user, query.user))
      return password;
  }
  return undefined;
};

const fits = (field: string | undefined, value: string): boolean => field === '*' || field === value;

/** Colons separate the fields; a backslash takes the next character as it is. */
const fieldsOf = (line: string): string[] => {
  const fields: string[] = [];
  let field = '';
  for (const [piece] of line.matchAll(/\\.|./gs)) {
    if (piece === ':' && fields.length < 4) {
      fields.push(field);
      field = '';
    } else field += piece.length === 2 ? piece.slice(1) : piece;
  }
  return [...fields, field];
};

const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `cannot read the password file ${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'make it readable for the user that runs holdfast, and for nobody else',
    });
  }
};
