// What sslMode means, by the names of MySQL's clients, as the attempts to make one after the other.
import { isIP } from 'node:net';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { readSettingsFile } from '../settings-file.ts';
import type { Parameters } from './parameters.ts';

export const tlsModes = ['disabled', 'preferred', 'required', 'verify-ca', 'verify-identity'] as const;
export type TlsMode = (typeof tlsModes)[number];

export interface TlsOptions {
  readonly rejectUnauthorized: boolean;
  readonly verifyIdentity: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A way to connect: without TLS, or with it under these conditions. */
export type TlsAttempt = false | TlsOptions;

/** The ways to try, in order; a later one only when the server does not offer an earlier one. */
export const tlsAttempts = (parameters: Parameters, host: string | undefined): readonly TlsAttempt[] => {
  const mode = tlsMode(parameters, host === undefined ? 'disabled' : 'preferred');
  if (mode === 'disabled') return [false];
  if (mode === 'verify-identity' && isIP(host ?? '') !== 0)
    throw new HoldfastError(
      'CONFIG_INVALID',
      `verify-identity needs the name of the host, and ${host} is its address`,
      {
        hint: 'write the name that the certificate has, or say verify-ca',
      },
    );
  const encrypted = tlsOptions(parameters, mode);
  return mode === 'preferred' ? [encrypted, false] : [encrypted];
};

/** The mode that is asked for; CONFIG_INVALID for one that is none. */
export const tlsMode = (parameters: Parameters, usual: TlsMode): TlsMode => {
  const given = parameters['ssl-mode'];
  if (given === undefined) return parameters['ssl-ca'] === undefined ? usual : 'verify-ca';
  const mode = tlsModes.find((known) => known === given.toLowerCase().replaceAll('_', '-'));
  if (mode) return mode;
  throw new HoldfastError('CONFIG_INVALID', `ssl-mode "${given}" is unknown`, {
    hint: `one of ${tlsModes.join(', ')}`,
  });
};

const tlsOptions = (parameters: Parameters, mode: TlsMode): TlsOptions => {
  const read = (name: 'ssl-ca' | 'ssl-cert' | 'ssl-key'): string | undefined => {
    const file = parameters[name];
    return file === undefined ? undefined : readSettingsFile(expandHome(file), name);
  };
  const [ca, cert, key] = [read('ssl-ca'), read('ssl-cert'), read('ssl-key')];
  return {
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-identity',
    verifyIdentity: mode === 'verify-identity',
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
};
