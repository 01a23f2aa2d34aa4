// Whether this site can tell its console how it stands, and take its orders; and whether the console here can look at its sites.
import { recipientsOf } from '#archive/encryption.ts';
import type { Config } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Secret } from '#lib/secret.ts';
import { ordersFolder } from '../console/place.ts';
import { publicKeyOf } from '../console/signed.ts';
import type { JobContext } from '../job-context.ts';
import { broken, type Diagnosis, fine } from './diagnosis.ts';
import { diagnosePlainStore, diagnoseReadStore } from './repository.ts';

/** A site whose console cannot be told goes on with its backups, so that is a warning. */
export const diagnoseBulletins = async (
  { site = '', bulletins, orders }: Config,
  context: JobContext,
): Promise<Diagnosis[]> => {
  if (bulletins === undefined) return [];
  const tryBelow = (subject: string, folder: string) =>
    diagnosePlainStore(subject, bulletins.to, context, folder);
  const found = [
    ...(bulletins.key ? [diagnoseKey('bulletins', 'are signed', bulletins.key)] : []),
    ...(await tryBelow('bulletins', `${site}/`)),
    ...(orders ? [fine('orders', `of ${orders.from.join(' or ')} may run ${orders.jobs.join(', ')}`)] : []),
    ...(orders ? await tryBelow('orders', ordersFolder(site)) : []),
  ];
  return found.map((one) => (one.level === 'error' ? { ...one, level: 'warning' } : one));
};

const diagnoseKey = (subject: string, what: string, key: Secret): Diagnosis => {
  try {
    return fine(subject, `${what} with the key of ${publicKeyOf(key.reveal())}`);
  } catch (error) {
    return broken(subject, error);
  }
};

export const diagnoseConsole = async ({ console }: Config, context: JobContext): Promise<Diagnosis[]> => {
  if (console === undefined) return [];
  return [
    await diagnoseIdentity(() => console.identity.reveal()),
    await diagnoseReadStore('console', console.bulletins, context),
    ...(console.key ? [diagnoseKey('console', 'signs orders', console.key)] : []),
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
