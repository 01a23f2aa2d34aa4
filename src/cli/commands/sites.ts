// holdfast sites: how many sites stand, seen from one place.
import { makeIdentity } from '#archive/encryption.ts';
import { consoleOf } from '#config/config.ts';
import { namePattern } from '#config/names.ts';
import { sitesHtml } from '#jobs/console/page.ts';
import { lookAtSites, type Site, type Sites } from '#jobs/console/sites.ts';
import { siteSubject } from '#jobs/console/watch.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { expandHome } from '#lib/home.ts';
import { didYouMean } from '#lib/nearest.ts';
import { catalogIfAny, catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, list, type OptionSpecs, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { readConfig } from '../read-config.ts';
import { showSite, showSites } from '../sites-report.ts';
import { answerNagios, nagiosOfSites, nagiosWords } from '../status-nagios.ts';
import { replaceFile, writeForOwner } from '../write-file.ts';

const options = {
  html: value('--html <file>', 'write a page that needs nothing else to this file, whole or not at all'),
  nagios: flag('--nagios', 'one line and the exit status that Nagios and its like expect'),
  newKey: value(
    '--new-key <file>',
    'make the key of a console in this file, and print what sites put under `for`',
  ),
  forget: list('--forget <site>', 'miss this one no more, of which nothing is left'),
};

export const command = defineCommand({
  description: `Shows how all sites stand that tell their bulletins to this console (\`console:\` in the configuration file): when each told
the last time, its jobs, its oldest source, and what is wrong. With the name of a site, all that it told, as \`status\` shows it
there.

The exit status is 1 when anything is not well: a site that says so, that is silent, of which nothing is there, or
whose bulletin cannot be relied on.`,
  args: [{ usage: '[site]', text: 'only this one, and all of it' }],
  options,
  examples: [
    ['sites', 'a line for each site, and what is wrong'],
    ['sites north', 'as `holdfast status` shows it there'],
    ['sites --html /var/www/sites.html', 'a page, made by cron, for a web server'],
    ['sites --forget west', 'it is no more'],
    ['sites --new-key /etc/holdfast/console.key', 'once, before the first site tells anything'],
  ],
  onRepository: false,
  statuses: [14, 15],
  async run(call) {
    refuseTogether(call);
    if (call.options.newKey !== undefined) return await makeKey(call, call.options.newKey);
    if (call.options.forget.length > 0) return await forget(call, call.options.forget);
    if (call.options.nagios)
      return await answerNagios(call, async () => {
        const status = nagiosOfSites((await look(call)).sites);
        return { status, line: nagiosWords(status) };
      });
    const found = await look(call);
    const { output } = call;
    const [site] = found.sites;
    if (call.options.html !== undefined) await replaceFile(expandHome(call.options.html), sitesHtml(found));
    else if (call.args.length > 0 && site) await showSite(output, site, found.at);
    else await showSites(output, found);
    return summarize(call, found);
  },
});

type SitesCall = Call<OptionSpecs & typeof options>;

/** One answer at a time. */
const refuseTogether = ({ args: [site], options: { html, nagios, newKey, forget } }: SitesCall): void => {
  const asked = [
    ...(nagios ? ['--nagios'] : []),
    ...(html === undefined ? [] : ['--html']),
    ...(newKey === undefined ? [] : ['--new-key']),
    ...(forget.length === 0 ? [] : ['--forget']),
  ];
  if (asked.length > 1) throw new HoldfastError('USAGE', `${asked.join(' and ')} contradict each other`);
  if (newKey !== undefined && site !== undefined)
    throw new HoldfastError(
      'USAGE',
      'the key of a console is for all sites: --new-key takes the name of none',
    );
  if (forget.length > 0 && site !== undefined)
    throw new HoldfastError('USAGE', `--forget names each site itself: --forget ${site}`);
};

const makeKey = async ({ output, clock }: SitesCall, file: string): Promise<number> => {
  const { identity, recipient } = await makeIdentity(clock.now());
  await writeForOwner(expandHome(file), identity);
  await output.result({ message_type: 'public_key', file, public_key: recipient }, recipient);
  return 0;
};

/** What this console has seen of them, so that it misses them no more. */
const forget = async (call: SitesCall, sites: readonly string[]): Promise<number> => {
  const { output, clock } = call;
  const config = await readConfig(call);
  const console = consoleOf(config);
  using catalog = catalogOf(config, call);
  const seen = catalog.sites.names();
  for (const site of sites) {
    if (Object.hasOwn(console.sites, site))
      throw new HoldfastError(
        'USAGE',
        `"${site}" stands in console.sites, and so it is missed all the same`,
        {
          hint: `take it out of ${config.file} first`,
        },
      );
    if (!seen.includes(site))
      throw new HoldfastError('USAGE', `no site called "${site}" was ever seen${didYouMean(site, seen)}`);
  }
  for (const site of sites) {
    catalog.sites.forget(site);
    catalog.orders.forget(site);
    catalog.notices.end(siteSubject(site), clock.now());
  }
  output.say({ message_type: 'summary', forgotten: sites }, `forgotten: ${sites.join(', ')}`);
  return 0;
};

const look = async (call: SitesCall): Promise<Sites> => {
  const { output, args } = call;
  const config = await readConfig(call);
  const console = consoleOf(config);
  const [only] = args;
  if (only !== undefined && !namePattern.test(only))
    throw new HoldfastError('USAGE', `"${only}" is no name of a site`);
  using catalog = catalogIfAny(config, call);
  const found = await lookAtSites(console, { only, catalog }, jobContext(call));
  const isKnown = (site: string): boolean =>
    Object.hasOwn(console.sites, site) || catalog?.sites.lastTold(site) !== undefined;
  if (only !== undefined && found.sites[0]?.state === 'missing' && !isKnown(only))
    throw new HoldfastError('USAGE', `no site called "${only}" has told anything`, {
      hint: '`holdfast sites` lists those that have',
    });
  if (found.strays > 0)
    output.warn(
      `${plural(found.strays, 'object')} in ${found.location} ${found.strays === 1 ? 'is no bulletin' : 'are no bulletins'}`,
    );
  return found;
};

const summarize = ({ output }: SitesCall, { sites }: Sites): number => {
  const unwell = sites.filter(({ state }: Site) => state !== 'well').length;
  const text = unwell === 0 ? 'all is well' : `${unwell} of ${plural(sites.length, 'site')} not well`;
  output.say(
    { message_type: 'summary', well: unwell === 0, sites: sites.length, not_well: unwell },
    sites.length === 0 ? 'no site has told anything yet' : text,
  );
  return unwell === 0 ? 0 : 1;
};
