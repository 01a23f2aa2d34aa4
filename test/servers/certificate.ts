// A self-signed certificate for the loopback.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  /** Its file, to be trusted. */
  readonly file: string;
  readonly cert: string;
  readonly key: string;
}

/** For localhost and 127.0.0.1, or for these names, in files of this folder. */
export const makeCertificate = (folder: string, altNames = 'DNS:localhost,IP:127.0.0.1'): Certificate => {
  const file = join(folder, 'server.crt');
  const keyFile = join(folder, 'server.key');
  const how = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${altNames}`];
  execFileSync('openssl', ['req', ...how, ...names, '-keyout', keyFile, '-out', file], { stdio: 'ignore' });
  return { file, cert: readFileSync(file, 'utf8'), key: readFileSync(keyFile, 'utf8') };
};
