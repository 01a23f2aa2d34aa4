// Places as restic's users write them: 'sftp:user@host:/path' and 'sftp://user@host:port//path'.
import { HoldfastError } from '#lib/errors.ts';

export interface SftpPlace {
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** Absolute, or relative to the folder the server puts its user in. */
  readonly path: string;
}

/** In the form with '//' the path begins after the first '/' following the host: '//srv' is absolute, '/srv' is not. */
const withAuthority = /^sftp:\/\/(?:([^@/]+)@)?(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/(.*)$/i;
const likeScp = /^sftp:(?:([^@:/]+)@)?(\[[^\]]+\]|[^:/]+):(.*)$/i;

/** The place a URL names; USAGE for what is neither form. */
export const parseSftpUrl = (url: string): SftpPlace => {
  const [, user, host, port, path] = withAuthority.exec(url) ?? withoutPort(likeScp.exec(url));
  if (host === undefined || path === undefined || user?.includes(':'))
    throw new HoldfastError('USAGE', 'this is not the URL of an SFTP store', {
      hint: 'write sftp:user@host:/path or sftp://user@host:2222//path; a password belongs in the configuration file',
    });
  return {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(user !== undefined && { user: decodeURIComponent(user) }),
    ...(port !== undefined && { port: Number(port) }),
    path: path === '' ? '.' : path,
  };
};

/** The URL of a place, in the shorter form where it has one. */
export const formatSftpUrl = ({ host, user, port, path }: SftpPlace): string => {
  const where = `${user === undefined ? '' : `${user}@`}${host.includes(':') ? `[${host}]` : host}`;
  return port === undefined || port === 22 ? `sftp:${where}:${path}` : `sftp://${where}:${port}/${path}`;
};

const withoutPort = (match: RegExpExecArray | null): readonly (string | undefined)[] =>
  match === null ? [] : [match[0], match[1], match[2], undefined, match[3]];
