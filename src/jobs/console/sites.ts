// The console: how all sites stand, by the newest bulletin of each.
import { recipientsOf } from '#archive/encryption.ts';
import type { Catalog } from '#catalog/catalog.ts';
import type { SiteLedger } from '#catalog/sites.ts';
import type { ConsoleConfig } from '#config/console.ts';
import { throwIfCancelled } from '#lib/clock.ts';
import { mapOrdered } from '#lib/concurrency.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, hasCode, messageOf } from '#lib/errors.ts';
import { formatAge, formatBytes, formatTime, printable } from '#lib/format.ts';
import type { Store } from '#stores/store.ts';
import { flawsOf, isWell } from '../health/judge.ts';
import type { JobContext } from '../job-context.ts';
import { openPlainStore } from '../plain-store.ts';
import type { Bulletin } from './bulletin.ts';
import { ordersOf, type SiteOrder } from './outcomes.ts';
import { type BulletinKey, clockToleranceMs, orderKey, orderNameIn, parseKey } from './place.ts';
import { mostSealedBytes, type Opened, type Opener, open } from './sealed.ts';
import type { Signature } from './signed.ts';

export interface Site {
  readonly site: string;
  /** 'unwell': it says so itself. 'silent': it has not told anything for too long. 'missing': nothing of it is there. 'unreadable': what it told cannot be relied on. */
  readonly state: 'well' | 'unwell' | 'silent' | 'missing' | 'unreadable';
  /** The newest that could be opened. */
  readonly bulletin?: Bulletin;
  /** Whether it is its own. */
  readonly signature?: Signature;
  /** What is wrong, each in few words; the worst first. */
  readonly flaws: readonly string[];
  /** True when some of these are more than warnings. */
  readonly isCritical: boolean;
  /** What it was asked to run lately, and what became of it. */
  readonly orders: readonly SiteOrder[];
}

export interface Sites {
  readonly location: string;
  readonly at: Date;
  /** By their names. */
  readonly sites: readonly Site[];
  /** Objects in the store that are no bulletins. */
  readonly strays: number;
}

export interface LookOptions {
  /** One site, and no other. */
  readonly only?: string | undefined;
  /** What was seen and given before, without which nobody notices that it was taken away. */
  readonly catalog: Pick<Catalog, 'sites' | 'orders'> | undefined;
}

/** What looking needs of the context of jobs. */
export type LookContext = Pick<JobContext, 'signal' | 'clock' | 'log' | 'storeOptions'>;

/** How every site stands. Throws when the store cannot be looked at. */
export const lookAtSites = async (
  { bulletins, identity, sites: expected, silentAfter }: ConsoleConfig,
  { only, catalog }: LookOptions,
  context: LookContext,
): Promise<Sites> => {
  const opener = { identity: identity.reveal(), recipients: await recipientsOf(identity.reveal()) };
  const { signal, clock } = context;
  await using store = await openPlainStore('bulletins', bulletins, context);
  const at = clock.now();
  const seen = catalog?.sites;
  const given = catalog?.orders.given() ?? [];
  const keysGiven = new Set(given.map((order) => orderKey(order.site, order)));
  const { newest, waiting, strays } = await newestOf(store, only, keysGiven, at);
  const keys = new Map(Object.entries(expected));
  const names = only === undefined ? [...keys.keys(), ...newest.keys(), ...(seen?.names() ?? [])] : [only];
  const each = { store, seen, opener, silentMs: durationMs(silentAfter), at };
  const look = async (site: string): Promise<Site> => {
    const known = keys.get(site) ?? 'unsigned';
    const keysOfSite = known === 'unsigned' ? [] : known;
    const looked = await lookAt({ site, found: newest.get(site), keys: keysOfSite, ...each }, signal);
    const taken = looked.bulletin?.orders?.taken ?? [];
    const own = given.filter((order) => order.site === site);
    return { ...looked, orders: ordersOf(taken, own, (order) => waiting.has(orderKey(site, order)), at) };
  };
  const sites = await Array.fromAsync(mapOrdered([...new Set(names)].toSorted(), store.connections, look));
  return { location: store.location, at, sites, strays };
};

/** Of one site: the newest that can be of now, and one that is dated in the future. */
interface Found {
  readonly past?: BulletinKey & { readonly size: number };
  readonly future?: BulletinKey;
}

const newestOf = async (
  store: Store,
  only: string | undefined,
  keysGiven: ReadonlySet<string>,
  now: Date,
) => {
  const newest = new Map<string, Found>();
  const waiting = new Set<string>();
  let strays = 0;
  for await (const { key, size } of store.list(only === undefined ? '' : `${only}/`)) {
    const parsed = parseKey(key);
    if (keysGiven.has(key)) waiting.add(key);
    else if (orderNameIn(key) !== undefined) continue;
    else if (parsed === undefined) strays += 1;
    else newest.set(parsed.site, newer(newest.get(parsed.site), { ...parsed, size }, now));
  }
  return { newest, waiting, strays };
};

const newer = (found: Found = {}, one: Required<Found>['past'], now: Date): Found => {
  if (one.at.getTime() > now.getTime() + clockToleranceMs) return { ...found, future: one };
  return found.past && found.past.at >= one.at ? found : { ...found, past: one };
};

interface Look {
  readonly site: string;
  readonly found: Found | undefined;
  readonly store: Store;
  readonly seen: SiteLedger | undefined;
  readonly opener: Opener;
  /** One of which must have signed what it told; none: anybody may have. */
  readonly keys: readonly string[];
  readonly silentMs: number;
  readonly at: Date;
}

type Looked = Omit<Site, 'orders'>;

const lookAt = async (look: Look, signal: AbortSignal): Promise<Looked> => {
  const { site, found, silentMs, at } = look;
  if (found === undefined) return { site, state: 'missing', isCritical: true, flaws: [whatIsLeft(look)] };
  const { past, future } = found;
  const ahead = future
    ? [`has a bulletin of ${formatTime(future.at)}, which is in the future: ${whyAhead}`]
    : [];
  const removed = removedSince(look);
  const odd = [...ahead, ...removed];
  const bad = (state: Site['state'], ...flaws: readonly string[]): Looked => ({
    ...{ site, state, isCritical: true },
    flaws: [...flaws, ...odd],
  });
  if (past === undefined) return bad('unreadable');
  const opened = await openNewest(look, past, signal);
  if (opened instanceof HoldfastError)
    return bad('unreadable', `its bulletin of ${formatTime(past.at)}: ${opened.message}`);
  if (removed.length === 0) look.seen?.told(site, past.at);
  const own = ownFlaws(opened.bulletin);
  const isSilent = at.getTime() - past.at.getTime() > silentMs;
  const silence = `is silent: what it told last is of ${formatAge(past.at, at)}`;
  if (isSilent) return { ...bad('silent', silence, ...own.flaws), ...opened };
  if (odd.length > 0) return { ...bad('unreadable', ...own.flaws), ...opened };
  return { site, state: own.flaws.length > 0 ? 'unwell' : 'well', ...opened, ...own };
};

const whatIsLeft = ({ site, seen }: Look): string => {
  const last = seen?.lastTold(site);
  return last ? `told last ${formatTime(last)}, and nothing of it is left` : 'has never told anything';
};

const whyAhead = 'its clock was wrong, or it is forged';

/** The newest of a site always stays; whoever takes it away would have an older one believed. */
const removedSince = ({ site, found, seen, at }: Look): string[] => {
  const last = seen?.lastTold(site);
  // What was seen of later than now was seen by a clock that was ahead.
  if (last === undefined || last.getTime() > at.getTime() + clockToleranceMs) return [];
  if (found?.past && found.past.at >= last) return [];
  return [`told something of ${formatTime(last)} that is no longer there: somebody has removed it`];
};

/** What a site says of itself. */
const ownFlaws = ({ health }: Bulletin): Pick<Site, 'flaws' | 'isCritical'> => {
  const { critical, warning } = flawsOf(health);
  const flaws = [...critical, ...warning];
  if (flaws.length === 0 && !isWell(health)) return { flaws: ['not all is well'], isCritical: true };
  return { flaws, isCritical: critical.length > 0 };
};

/** What is wrong with one bulletin concerns its site only; a store that does not answer concerns all. */
const openNewest = async (
  { site, store, opener, keys }: Look,
  { key, size, at }: Required<Found>['past'],
  signal: AbortSignal,
): Promise<Opened | HoldfastError> => {
  try {
    if (size > mostSealedBytes)
      throw new HoldfastError('FAILED', `it has ${formatBytes(size)}, more than any bulletin has`);
    const opened = await open(await store.get(key, { offset: 0, length: size }), opener, keys, signal);
    const { bulletin } = opened;
    if (bulletin.site !== site)
      throw new HoldfastError(
        'FAILED',
        `it is of the site "${bulletin.site}", and lies where it does not belong`,
      );
    if (bulletin.at.getTime() !== at.getTime())
      throw new HoldfastError('FAILED', 'it was made at another time than its name says');
    return opened;
  } catch (error) {
    throwIfCancelled(signal);
    if (hasCode(error, 'STORE_UNREACHABLE', 'USAGE', 'CONFIG_INVALID')) throw error;
    return new HoldfastError('FAILED', printable(messageOf(error)), { cause: error });
  }
};
