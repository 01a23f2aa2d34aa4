// The environment for programs that others wrote and that need no secret of ours.
import { isSecretVariable, withoutSecrets } from './secret.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const secretNames =
  /PASSWORD|PASSWD|PASSPHRASE|PASSWORT|PWD$|SECRET|TOKEN|CREDENTIAL|(ACCESS|API|PRIVATE|ENCRYPTION|ACCOUNT)_?KEY/i;
/** The working folders of a shell end like a password. */
const harmless = new Set(['PWD', 'OLDPWD']);

/** Without the variables that are named like secrets, that secrets lie in, or that hold one that was read or a password in a URL. */
export const withoutSecretVariables = (env: Environment): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => {
      if (value === undefined || isSecretVariable(name)) return [];
      if ((secretNames.test(name) && !harmless.has(name)) || withoutSecrets(value) !== value) return [];
      return [[name, value] as const];
    }),
  );
