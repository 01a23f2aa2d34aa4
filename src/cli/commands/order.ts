// holdfast order: the console of many sites has one run some of its jobs.
import type { Catalog } from '#catalog/catalog.ts';
import { type Config, consoleOf } from '#config/config.ts';
import type { ConsoleConfig } from '#config/console.ts';
import { namePattern } from '#config/names.ts';
import type { Bulletin } from '#jobs/console/bulletin.ts';
import { giveOrder } from '#jobs/console/give.ts';
import { mostJobs, newOrderId, type Order } from '#jobs/console/order.ts';
import { lookAtSites } from '#jobs/console/sites.ts';
import { durationMs, durationPattern } from '#lib/duration.ts';
import { HoldfastError } from '#lib/errors.ts';
import { formatTime } from '#lib/format.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { Secret } from '#lib/secret.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { readConfig } from '../read-config.ts';
import { makeKey, showPublicKey } from '../signing-key.ts';
import { withdraw } from '../withdraw-orders.ts';

const options = {
  expires: value('--expires <time>', 'for how long the site may take it, such as 2h (default: 24h)'),
  withdraw: flag(
    '--withdraw',
    'take back what was ordered of the site, or of these jobs of it, and the site has not taken yet',
  ),
  newKey: value(
    '--new-key <file>',
    'make the key of a console in this file, and print what sites put under `orders: from`',
  ),
  publicKey: flag('--public-key', 'print the public key that belongs to `console.key`'),
};

export const command = defineCommand({
  description: `Gives a site that tells its bulletins to this console (\`console:\` in the configuration file) the order to run some of its
jobs, as they are configured there: it is signed with the key of the console (\`console.key\`) and put where the site looks for it. The
site runs no other jobs than those that its own file lets be ordered (\`orders:\`).

\`holdfast sites <site>\` shows what becomes of it.

With --withdraw, the orders for the site that this console has given (those for one of the jobs that are named) are removed again
where they still lie in the store, each as a whole. A site that is reading one at that moment runs it all the same, and
\`holdfast sites\` shows it. The status is 3 when another one was taken already, and 1 when none is waiting.`,
  args: [
    { usage: '[site]', text: 'the name of the site' },
    { usage: '[job...]', text: 'names of jobs of it' },
  ],
  options,
  examples: [
    ['order north nightly', 'a backup now, or as soon as north looks'],
    ['order north nightly prove --expires 2h', 'two jobs, or none at all when it is too late for them'],
    ['order north nightly --withdraw', 'unless north has taken it already'],
    ['order --new-key /etc/holdfast/orders.key', 'once, before the first order'],
  ],
  onRepository: false,
  statuses: [3, 14, 15],
  async run(call) {
    refuseTogether(call);
    if (call.options.newKey !== undefined) return await makeKey(call.output, call.options.newKey);
    const config = await readConfig(call);
    if (call.options.withdraw) return await withdrawOf(call, config);
    const key = keyOf(config);
    if (call.options.publicKey) return await showPublicKey(call.output, key);
    const [site, ...jobs] = call.args;
    if (site === undefined || jobs.length === 0)
      throw new HoldfastError('USAGE', 'an order is for a site and at least one of its jobs', {
        hint: 'holdfast order <site> <job>',
      });
    using catalog = catalogOf(config, call);
    return await order(call, { console: consoleOf(config), key, catalog, site, jobs: [...new Set(jobs)] });
  },
});

type OrderCall = Call<OptionSpecs & typeof options>;

/** One answer at a time. */
const refuseTogether = ({ args, options }: OrderCall): void => {
  const { expires, newKey, publicKey } = options;
  if (options.withdraw && expires !== undefined)
    throw new HoldfastError('USAGE', '--withdraw and --expires contradict each other');
  const asked = [
    ...(options.withdraw ? ['--withdraw'] : []),
    ...(newKey === undefined ? [] : ['--new-key']),
    ...(publicKey ? ['--public-key'] : []),
    ...(expires === undefined ? [] : ['--expires']),
    ...(args.length === 0 ? [] : ['the name of a site']),
  ];
  if (asked.length > 1 && (newKey !== undefined || publicKey))
    throw new HoldfastError('USAGE', `${asked.join(' and ')} contradict each other`);
};

const withdrawOf = async (call: OrderCall, config: Config): Promise<number> => {
  const [site, ...jobs] = call.args;
  if (site === undefined)
    throw new HoldfastError('USAGE', '--withdraw is of the orders for a site, and none is named', {
      hint: 'holdfast order <site> --withdraw',
    });
  const console = consoleOf(config);
  refuseBadNames(site, jobs);
  using catalog = catalogOf(config, call);
  if (!catalog.orders.given().some((order) => order.site === site))
    refuseUnknownSite(site, knownSites(console, catalog));
  return await withdraw(call, { console, catalog, site, jobs });
};

const knownSites = ({ sites }: ConsoleConfig, catalog: Catalog): string[] => [
  ...new Set([...Object.keys(sites), ...catalog.sites.names()]),
];

const keyOf = (config: Config): Secret => {
  const { key } = consoleOf(config);
  if (key !== undefined) return key;
  throw new HoldfastError('CONFIG_INVALID', `${config.file} has no "key" in "console"`, {
    hint: 'make one with `holdfast order --new-key <file>`, and name that file there',
  });
};

interface Ordering {
  readonly console: ConsoleConfig;
  readonly key: Secret;
  readonly catalog: Catalog;
  readonly site: string;
  readonly jobs: readonly string[];
}

const order = async (call: OrderCall, { console, key, catalog, site, jobs }: Ordering): Promise<number> => {
  const { output, clock } = call;
  const lifeMs = lifeOf(call);
  refuseBadNames(site, jobs);
  const { sites } = await lookAtSites(console, { only: site, catalog }, jobContext(call));
  const [found] = sites;
  if (found?.state === 'missing') refuseUnknownSite(site, knownSites(console, catalog));
  const bulletin = found?.state === 'unreadable' ? undefined : found?.bulletin;
  if (bulletin) refuseUnfitJobs(site, jobs, bulletin);
  else output.warn(`${site} has told nothing to rely on: whether it runs ${jobs.join(', ')} is not known`);
  if (found?.state === 'silent') output.warn(`${site} ${found.flaws[0]}`);
  const at = clock.now();
  const given: Order = { id: newOrderId(), site, at, until: new Date(at.getTime() + lifeMs), jobs };
  const { location, key: place } = await giveOrder(given, key, console, jobContext(call));
  catalog.orders.give(given);
  output.say(
    { message_type: 'summary', ...given, location, key: place },
    `ordered: ${jobs.join(', ')} at ${site}, until ${formatTime(given.until)} (${given.id})`,
  );
  return 0;
};

/** Dates last no thousand years. */
const longestMs = durationMs('520w');

const lifeOf = ({ options: { expires = '24h' } }: OrderCall): number => {
  const ms = durationPattern.test(expires) ? durationMs(expires) : Number.NaN;
  if (ms <= longestMs) return ms;
  throw new HoldfastError(
    'USAGE',
    `--expires ${expires} is no length of time such as 2h, of ten years at most`,
  );
};

const refuseUnknownSite = (site: string, known: readonly string[]): void => {
  if (known.includes(site)) return;
  throw new HoldfastError('USAGE', `no site called "${site}" is known${didYouMean(site, known)}`, {
    hint: known.length > 0 ? `those known are ${known.join(', ')}` : 'no site has told anything yet',
  });
};

const refuseBadNames = (site: string, jobs: readonly string[]): void => {
  if (!namePattern.test(site)) throw new HoldfastError('USAGE', `"${site}" is no name of a site`);
  const bad = jobs.find((job) => !namePattern.test(job));
  if (bad !== undefined) throw new HoldfastError('USAGE', `"${bad}" is no name of a job`);
  if (jobs.length > mostJobs)
    throw new HoldfastError('USAGE', `an order is of ${mostJobs} jobs at most, and not of ${jobs.length}`);
};

/** The newest bulletin may be older than the site's file. */
const tellThere = '`holdfast bulletin` there tells what is new';

const refuseUnfitJobs = (site: string, jobs: readonly string[], { health, orders }: Bulletin): void => {
  if (orders === undefined)
    throw new HoldfastError('USAGE', `${site} takes no orders`, {
      hint: `let its file say whose it takes, and for which jobs: \`orders:\`, see docs/console.md; ${tellThere}`,
    });
  const job = jobs.find((one) => !orders.jobs.includes(one));
  if (job === undefined) return;
  const isThere = health.jobs.some((one) => one.job === job);
  const text = isThere
    ? `${site} does not let "${job}" be ordered`
    : `${site} has no job called "${job}"${didYouMean(job, orders.jobs)}`;
  throw new HoldfastError('USAGE', text, {
    hint: `it lets be ordered: ${orders.jobs.join(', ')}; ${tellThere}`,
  });
};
