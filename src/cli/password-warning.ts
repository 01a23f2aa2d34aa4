// A password among the arguments can be read by everybody on the machine.
import { withoutPassword } from '#lib/secret.ts';
import type { Output } from './output.ts';

/** Warns when a URL on the command line holds a password. */
export const warnOfPasswordIn = (url: string, output: Output): void => {
  const shown = withoutPassword(url);
  if (shown === url) return;
  output.warn(
    `the password in ${shown} can be seen by other users of this machine (ps)`,
    'keep it in ~/.pgpass, COUCHDB_PASSWORD, RESTIC_REST_PASSWORD or the like, or in a holdfast.yaml as { file: … } or { env: … }',
  );
};
