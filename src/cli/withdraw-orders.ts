// holdfast order --withdraw: what was ordered, and its site has not taken yet, is ordered no more.
import type { Catalog } from '#catalog/catalog.ts';
import type { GivenOrder } from '#catalog/orders.ts';
import type { ConsoleConfig } from '#config/console.ts';
import type { SiteOrder } from '#jobs/console/outcomes.ts';
import { outcomeText } from '#jobs/console/rows.ts';
import { lookAtSites } from '#jobs/console/sites.ts';
import { withdrawOrders } from '#jobs/console/withdraw.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatTime, plural } from '#lib/format.ts';
import type { Call } from './command.ts';
import { jobContext } from './job-context.ts';

export interface Withdrawal {
  readonly console: ConsoleConfig;
  readonly catalog: Catalog;
  readonly site: string;
  /** Orders of one of these; none: all. */
  readonly jobs: readonly string[];
}

/** An order is withdrawn as a whole. What was taken already is named, and the status is 3; nothing to withdraw is an error. */
export const withdraw = async (
  call: Pick<Call, 'global' | 'output' | 'env' | 'clock' | 'signal'>,
  { console, catalog, site, jobs }: Withdrawal,
): Promise<number> => {
  const { output } = call;
  const context = jobContext(call);
  const isMeant = (order: Pick<GivenOrder, 'jobs'>): boolean =>
    jobs.length === 0 || order.jobs.some((job) => jobs.includes(job));
  const orders = catalog.orders.given().filter((order) => order.site === site && isMeant(order));
  const withdrawn: GivenOrder[] = [];
  const onWithdrawn = (order: GivenOrder): void => {
    catalog.orders.withdraw(order.id);
    withdrawn.push(order);
    tellWithdrawn(call, order, jobs);
  };
  const location = await withdrawOrders({ site, orders, onWithdrawn }, console, context);
  // It tells of what it has taken; the others are as this console remembers them.
  const { sites } = await lookAtSites(console, { only: site, catalog }, context);
  const ids = new Set(orders.map(({ id }) => id));
  const known = sites.flatMap((one) => one.orders).filter(({ id }) => ids.has(id));
  if (withdrawn.length === 0) throw nothingWaits(site, jobs, location, known[0]);
  const late = known.filter(({ state }) => state === 'running' || state === 'gone');
  for (const order of late) output.warn(`${orderText(order)}, cannot be withdrawn: ${outcomeText(order)}`);
  output.say(
    { message_type: 'summary', site, withdrawn: withdrawn.length, too_late: late.length },
    `${plural(withdrawn.length, 'order')} for ${site} withdrawn`,
  );
  return late.length > 0 ? 3 : 0;
};

const tellWithdrawn = (
  { output }: Pick<Call, 'output'>,
  { id, site, at, jobs }: GivenOrder,
  named: readonly string[],
): void => {
  output.say(
    { message_type: 'withdrawn', id, site, at, jobs },
    `withdrawn: ${jobs.join(', ')} at ${site}, ordered at ${formatTime(at)} (${id})`,
  );
  const others = named.length === 0 ? [] : jobs.filter((job) => !named.includes(job));
  if (others.length > 0)
    output.warn(
      `${id} was for ${others.join(', ')}, too, and is withdrawn as a whole`,
      `to have it run all the same: holdfast order ${site} ${others.join(' ')}`,
    );
};

const nothingWaits = (
  site: string,
  jobs: readonly string[],
  location: string,
  last: SiteOrder | undefined,
): HoldfastError => {
  const of = jobs.length === 0 ? '' : ` of ${jobs.join(' or ')}`;
  const hint = last
    ? `the last was ${orderText(last)}: ${outcomeText(last)}`
    : 'none was given from here that was not withdrawn';
  return new HoldfastError('FAILED', `no order${of} for ${site} from this console waits in ${location}`, {
    hint,
  });
};

const orderText = ({ id, at, jobs }: SiteOrder): string =>
  `${id}, for ${jobs.join(', ')}${at ? `, of ${formatTime(at)}` : ''}`;
