// Certificates to trust besides the usual ones, as TLS clients take them.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { HoldfastError, messageOf } from './errors.ts';
import { expandHome } from './home.ts';

/** With those of a PEM file; nothing to say without one. CONFIG_INVALID when the file cannot be read, or has none. */
export const certificates = (path: string | undefined): { ca?: string[] } => {
  if (path === undefined) return {};
  try {
    const own = readFileSync(expandHome(path), 'utf8');
    new X509Certificate(own); // what is none would be trusted without a word, which is to say nothing would
    return { ca: [...rootCertificates, own] };
  } catch (cause) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `cannot read the certificates in ${path}: ${messageOf(cause)}`,
      {
        cause,
        hint: 'name a file in PEM format that Holdfast can read',
      },
    );
  }
};
