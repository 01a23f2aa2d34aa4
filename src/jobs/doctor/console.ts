// Whether this site can tell its console how it stands, and take its orders; and whether the console here can look at its sites.
import { recipientsOf } from '#archive/encryption.ts';
import type { Config } from '#config/config.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural, printable } from '#lib/format.ts';
import type { Secret } from '#lib/secret.ts';
import type { Store } from '#stores/store.ts';
import { orderNameIn, ordersFolder } from '../console/place.ts';
import { publicKeyOf } from '../console/signed.ts';
import type { JobContext } from '../job-context.ts';
import { broken, type Diagnosis, fine, warning } from './diagnosis.ts';
import { diagnosePlainStore, diagnoseReadStore } from './repository.ts';

/** A site whose console cannot be told goes on with its backups, so that is a warning. */
export const diagnoseBulletins = async (
  { site = '', bulletins, orders }: Config,
  context: JobContext,
): Promise<Diagnosis[]> => {
  if (bulletins === undefined) return [];
  const found = [
    ...(bulletins.key ? [diagnoseKey('bulletins', 'are signed', bulletins.key)] : []),
    ...(await diagnosePlainStore('bulletins', bulletins.to, context, { below: `${site}/` })),
    ...(orders ? [fine('orders', `of ${orders.from.join(' or ')} may run ${orders.jobs.join(', ')}`)] : []),
    ...(orders
      ? await diagnosePlainStore('orders', bulletins.to, context, {
          below: ordersFolder(site),
          look: (store) => strangersAmongOrders(store, ordersFolder(site)),
        })
      : []),
  ];
  return found.map((one) => (one.level === 'error' ? { ...one, level: 'warning' } : one));
};

/** Of what is no order. */
const mostNamed = 3;

/** What bears another name than an order's is left alone by whoever takes orders. */
const strangersAmongOrders = async (store: Store, folder: string): Promise<Diagnosis[]> => {
  let count = 0;
  const named: string[] = [];
  for await (const { key } of store.list(folder)) {
    if (orderNameIn(key) !== undefined) continue;
    count += 1;
    if (named.length < mostNamed) named.push(printable(key.slice(folder.length)));
  }
  if (count === 0) return [];
  const text = `${plural(count, 'object')} in ${folder} ${count === 1 ? 'is no order' : 'are no orders'}`;
  const names = `${named.join(', ')}${count > named.length ? ', …' : ''}`;
  return [warning('orders', `${text}: ${names}`, 'see who puts something there, and remove it')];
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
