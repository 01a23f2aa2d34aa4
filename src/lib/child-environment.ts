// The environment for programs that others wrote and that need no secret of ours.
import { withoutSecrets } from './secret.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const secretNames =
  /PASSWORD|PASSWD|PASSPHRASE|PASSWORT|PWD$|SECRET|TOKEN|CREDENTIAL|(ACCESS|API|PRIVATE|ENCRYPTION|ACCOUNT)_?KEY/i;
/** The working folders of a shell end like a password. */
const harmless = new Set(['PWD', 'OLDPWD']);

/** Without the variables that are named like secrets, are listed, or hold a secret that was read or a password in a URL. */
export const withoutSecretVariables = (
  env: Environment,
  alsoSecret: ReadonlySet<string> = new Set(),
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (value === undefined || alsoSecret.has(name)) return [];
      if ((secretNames.test(name) && !harmless.has(name)) || withoutSecrets(value) !== value) return [];
      return [[name, value] as const];
    }),
  );
