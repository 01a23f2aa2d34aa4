// A site tells the console how everything stands.
import type { Catalog } from '#catalog/catalog.ts';
import type { Config } from '#config/config.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { machineName } from '#lib/machine-name.ts';
import { withoutSecrets } from '#lib/secret.ts';
import { version } from '#lib/version.ts';
import type { Store } from '#stores/store.ts';
import { consoleSubject, healthOf } from '../health/health.ts';
import type { JobContext } from '../job-context.ts';
import { openPlainStore } from '../plain-store.ts';
import type { Bulletin } from './bulletin.ts';
import { hurried, inAHurry } from './hurry.ts';
import { tellOrders } from './outcomes.ts';
import { bulletinKey, clockToleranceMs, parseKey } from './place.ts';
import { seal } from './sealed.ts';

export interface Told {
  readonly location: string;
  readonly key: string;
}

/** Of each site so many stay, so that somebody can look back a little. */
const kept = 5;

/** How everything stands here now. The repositories are opened for it. */
export const makeBulletin = async (
  config: Config,
  catalog: Catalog,
  context: JobContext,
): Promise<Bulletin> => {
  const { site, bulletins } = toldBy(config);
  const health = await healthOf(config, catalog, {}, hurried(context));
  // That it could not be told before is over when this is read.
  const troubles = health.troubles.filter(({ subject }) => subject !== consoleSubject);
  const proofs = catalog.drills.proofs();
  const points = catalog.points.proofs();
  return {
    ...{ site, at: health.at, version, host: machineName(), for: bulletins.for },
    ...{ health: { ...health, troubles }, proofs, points },
    ...(config.orders && { orders: tellOrders(config.orders, catalog) }),
  };
};

/** Puts a bulletin where the console finds it. One that cannot be put is a trouble until the next one is. */
export const tellConsole = async (config: Config, catalog: Catalog, context: JobContext): Promise<Told> => {
  const { notices } = catalog;
  try {
    const told = await inAHurry(context, (hurried) => put(config, catalog, hurried));
    notices.end(consoleSubject, context.clock.now());
    return told;
  } catch (error) {
    if (context.signal.aborted) throw error;
    notices.worsen(consoleSubject, 'failure', withoutSecrets(messageOf(error)), context.clock.now());
    throw error;
  }
};

const toldBy = ({ file, site, bulletins }: Config) => {
  if (site !== undefined && bulletins !== undefined) return { site, bulletins };
  throw new HoldfastError('CONFIG_INVALID', `${file} has no "bulletins"`, {
    hint: 'it says where this site tells how it stands, and for whom: see docs/console.md',
  });
};

const put = async (config: Config, catalog: Catalog, context: JobContext): Promise<Told> => {
  const { site, bulletins } = toldBy(config);
  const bulletin = await makeBulletin(config, catalog, context);
  const key = bulletinKey(site, bulletin.at);
  await using store = await openPlainStore(consoleSubject, bulletins.to, context);
  await store.put(key, await seal(bulletin, bulletins.key));
  await removeOld(store, site, bulletin.at);
  return { location: store.location, key };
};

/** Also those that a clock which was ahead has left, or they would pass for the newest. */
const removeOld = async (store: Store, site: string, now: Date): Promise<void> => {
  try {
    const listed = await Array.fromAsync(store.list(`${site}/`));
    const own = listed.flatMap(({ key }) => parseKey(key) ?? []);
    const isAhead = ({ at }: { readonly at: Date }): boolean =>
      at.getTime() > now.getTime() + clockToleranceMs;
    const past = own.filter((one) => !isAhead(one)).toSorted((a, b) => b.at.getTime() - a.at.getTime());
    for (const { key } of [...past.slice(kept), ...own.filter(isAhead)]) await store.delete(key);
  } catch (error) {
    // A store may let a site add, and neither look nor remove.
    if (!hasCode(error, 'STORE_DENIED')) throw error;
  }
};
