// What an answer of a REST server means for whoever keeps backups there.
import { HoldfastError } from '#lib/errors.ts';
import type { Meaning } from '../meaning.ts';

/** What was asked: a delete that is forbidden says more than another call. */
export type RestMethod = 'GET' | 'HEAD' | 'POST' | 'DELETE';

/** The store's error for an answer that is none of the good ones. */
export const refusedError = (
  location: string,
  doing: string,
  method: RestMethod,
  status: number,
): HoldfastError => {
  const { code, hint } = meaningOf(method, status);
  return new HoldfastError(code, `${location}: cannot ${doing}: status ${status}`, { hint });
};

const meaningOf = (method: RestMethod, status: number): Meaning => {
  if (status === 403 && method === 'DELETE') return appendOnly;
  if (status === 400 && method === 'POST') return damaged;
  if (status === 404 && method === 'POST') return noRepository;
  return meanings[status] ?? (status >= 500 ? busy : strange);
};

const busy: Meaning = { code: 'STORE_UNREACHABLE', hint: 'check the server, and try again' };
const damaged: Meaning = {
  code: 'STORE_UNREACHABLE',
  hint: 'the bytes arrived damaged: check the line, and try again',
};
const appendOnly: Meaning = {
  code: 'STORE_DENIED',
  hint: 'the server is append-only: backups go on and locks can be removed; forget and prune need a server without --append-only, or the folder in which it keeps the repository',
};
const noRepository: Meaning = {
  code: 'STORE_DENIED',
  hint: 'make the repository with `holdfast init`, or correct the path',
};
const wrongUser: Meaning = {
  code: 'STORE_DENIED',
  hint: 'check the user and the password (user and password of the store, or RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD); with --private-repos the path must begin with the name of the user',
};
const denied: Meaning = {
  code: 'STORE_DENIED',
  hint: 'the server does not allow it: give the user the right to read and write there',
};
const full: Meaning = {
  code: 'STORE_FULL',
  hint: 'raise the quota (--max-size) or make room; what is stored stays whole, and the next run goes on from it',
};
const strange: Meaning = {
  code: 'STORE_DENIED',
  hint: 'a REST server of restic does not answer so: check the address (http or https, host, port, path)',
};

const meanings: Readonly<Record<number, Meaning>> = {
  401: wrongUser,
  403: denied,
  408: busy,
  413: full,
  429: busy,
  507: full,
};
