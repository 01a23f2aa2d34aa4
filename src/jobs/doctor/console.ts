// Whether this site can tell its console how it stands; and whether the console here can look at its sites.
import { recipientsOf } from '#archive/encryption.ts';
import type { Config } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Secret } from '#lib/secret.ts';
import { publicKeyOf } from '../console/signed.ts';
import type { JobContext } from '../job-context.ts';
import { broken, type Diagnosis, fine } from './diagnosis.ts';
import { diagnosePlainStore, diagnoseReadStore } from './repository.ts';

/** A site whose console cannot be told goes on with its backups, so that is a warning. */
export const diagnoseBulletins = async (
  { site = '', bulletins }: Config,
  context: JobContext,
): Promise<Diagnosis[]> => {
  if (bulletins === undefined) return [];
  const found = [
    ...(bulletins.key ? [diagnoseKey(bulletins.key)] : []),
    ...(await diagnosePlainStore('bulletins', bulletins.to, context, `${site}/`)),
  ];
  return found.map((one) => (one.level === 'error' ? { ...one, level: 'warning' } : one));
};

const diagnoseKey = (key: Secret): Diagnosis => {
  try {
    return fine('bulletins', `are signed with the key of ${publicKeyOf(key.reveal())}`);
  } catch (error) {
    return broken('bulletins', error);
  }
};

export const diagnoseConsole = async ({ console }: Config, context: JobContext): Promise<Diagnosis[]> => {
  if (console === undefined) return [];
  return [
    await diagnoseIdentity(() => console.identity.reveal()),
    await diagnoseReadStore('console', console.bulletins, context),
  ];
};

const diagnoseIdentity = async (reveal: () => string): Promise<Diagnosis> => {
  try {
    const keys = await recipientsOf(reveal());
    if (keys.length > 0) return fine('console', `opens what sites seal for ${keys.join(' or ')}`);
    throw new HoldfastError('CONFIG_INVALID', 'the identity file holds no secret key');
  } catch (error) {
    return broken('console', error, 'make one: holdfast sites --new-key <file>');
  }
};
