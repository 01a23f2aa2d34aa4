// What sslmode means (https://www.postgresql.org/docs/current/libpq-ssl.html), as the attempts to make one after the other.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { HoldfastError } from '#lib/errors.ts';
import { expandHome } from '#lib/home.ts';
import { readSettingsFile } from '../settings-file.ts';
import type { Parameters } from './parameters.ts';

export const tlsModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof tlsModes)[number];

/** A way to connect: without TLS, or with it under these conditions. */
export type TlsAttempt = false | ConnectionOptions;

/** The ways to try, in order; a later one only when the server does not take an earlier one. */
export const tlsAttempts = (parameters: Parameters, host: string): readonly TlsAttempt[] => {
  if (host.startsWith('/')) return [false]; // a Unix socket has no TLS
  const mode = tlsMode(parameters);
  if (mode === 'disable') return [false];
  const encrypted = tlsOptions(parameters, mode);
  if (mode === 'allow') return [false, encrypted];
  return mode === 'prefer' ? [encrypted, false] : [encrypted];
};

export const tlsMode = ({ sslmode }: Parameters): TlsMode => {
  const mode = tlsModes.find((known) => known === (sslmode ?? 'prefer'));
  if (mode) return mode;
  throw new HoldfastError('CONFIG_INVALID', `sslmode "${sslmode}" is unknown`, {
    hint: `one of ${tlsModes.join(', ')}`,
  });
};

const tlsOptions = (parameters: Parameters, mode: TlsMode): ConnectionOptions => {
  const root = rootCertificate(parameters, mode);
  const verifies =
    mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && root !== undefined);
  return {
    ...(root !== undefined && root !== 'system' && { ca: readSettingsFile(root, 'sslrootcert') }),
    rejectUnauthorized: verifies,
    ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
    ...clientCertificate(parameters),
  };
};

/** The file of the authorities that are trusted; 'system' for those the machine trusts. */
const rootCertificate = ({ sslrootcert }: Parameters, mode: TlsMode): string | undefined => {
  if (sslrootcert === 'system') {
    if (mode === 'verify-full') return sslrootcert;
    throw new HoldfastError('CONFIG_INVALID', `sslrootcert=system needs sslmode=verify-full, not ${mode}`, {
      hint: 'any authority vouches for somebody; only the name says for whom',
    });
  }
  if (sslrootcert !== undefined) return expandHome(sslrootcert);
  const usual = join(homedir(), '.postgresql', 'root.crt');
  if (existsSync(usual)) return usual;
  if (mode !== 'verify-ca' && mode !== 'verify-full') return undefined;
  throw new HoldfastError(
    'CONFIG_INVALID',
    `sslmode=${mode} needs the certificate of an authority to trust`,
    {
      hint: `name its file with sslrootcert, or put it at ${usual}; sslrootcert=system trusts the machine's`,
    },
  );
};

const clientCertificate = ({ sslcert, sslkey }: Parameters): ConnectionOptions => {
  const usual = join(homedir(), '.postgresql', 'postgresql');
  const certificate = sslcert ?? (existsSync(`${usual}.crt`) ? `${usual}.crt` : undefined);
  if (certificate === undefined) return {};
  return {
    cert: readSettingsFile(expandHome(certificate), 'sslcert'),
    key: readSettingsFile(expandHome(sslkey ?? `${usual}.key`), 'sslkey'),
  };
};
