// Places as restic's users write them: 'rest:https://user:password@host:8000/path/'.
import { HoldfastError } from '#lib/errors.ts';

export interface RestPlace {
  /** Without user and password, and with a slash at its end. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** The place a URL names; USAGE for what is none. What is wrong is not repeated, for a password may be in it. */
export const parseRestUrl = (url: string): RestPlace => {
  const address = URL.parse(url.replace(/^rest:/i, ''));
  if (address === null || !/^https?:$/.test(address.protocol) || address.search || address.hash)
    throw new HoldfastError('USAGE', 'this is not the URL of a REST server', {
      hint: 'write rest:https://user@host:8000/path/; the password belongs in RESTIC_REST_PASSWORD or the configuration file, and stands percent-encoded in a URL',
    });
  const { username, password } = address;
  address.username = '';
  address.password = '';
  return {
    url: withSlash(address.href),
    ...(username && { user: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  };
};

/** The URL of a place, without who logs in there. */
export const formatRestUrl = ({ url }: Pick<RestPlace, 'url'>): string => `rest:${url}`;

/** The address of a repository: what is in it is named relative to it. */
export const withSlash = (url: string): string => url.replace(/\/*$/, '/');
