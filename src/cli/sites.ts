// holdfast sites: how many sites stand, seen from one place.
import { type Config, loadConfig } from '#config/config.ts';
import { namePattern } from '#config/names.ts';
import { lookAtSites, type Site, type Sites } from '#jobs/console/sites.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { type Call, defineCommand, type OptionSpecs } from './command.ts';
import { jobContext } from './job-context.ts';
import { showSite, showSites } from './sites-report.ts';

const options = {};

export const command = defineCommand({
  description: `Shows how all sites stand that tell their bulletins to this console (\`console:\` in the configuration file): when each told
the last time, its jobs, its oldest source, and what is wrong. With the name of a site, all that it told, as \`status\` shows it
there.

The exit status is 1 when anything is not well: a site that says so, that is silent, that never told anything, or
whose bulletin cannot be opened.`,
  args: [{ usage: '[site]', text: 'only this one, and all of it' }],
  options,
  examples: [
    ['sites', 'a line for each site, and what is wrong'],
    ['sites north', 'as `holdfast status` shows it there'],
  ],
  onRepository: false,
  statuses: [14],
  async run(call) {
    const found = await look(call);
    const { output } = call;
    const [site] = found.sites;
    if (call.args.length > 0 && site) await showSite(output, site, found.at);
    else await showSites(output, found);
    return summarize(call, found);
  },
});

type SitesCall = Call<OptionSpecs & typeof options>;

const look = async (call: SitesCall): Promise<Sites> => {
  const { output, global, env, args } = call;
  const config = await loadConfig(global.config, env);
  for (const warning of config.warnings) output.warn(warning);
  const console = consoleOf(config);
  const [only] = args;
  if (only !== undefined && !namePattern.test(only))
    throw new HoldfastError('USAGE', `"${only}" is no name of a site`);
  const found = await lookAtSites(console, jobContext(call), only);
  if (only !== undefined && found.sites[0]?.state === 'missing' && !console.sites.includes(only))
    throw new HoldfastError('USAGE', `no site called "${only}" has told anything`, {
      hint: '`holdfast sites` lists those that have',
    });
  if (found.strays > 0)
    output.warn(
      `${plural(found.strays, 'object')} in ${found.location} ${found.strays === 1 ? 'is no bulletin' : 'are no bulletins'}`,
    );
  return found;
};

const consoleOf = ({ file, console }: Config) => {
  if (console !== undefined) return console;
  throw new HoldfastError('CONFIG_INVALID', `${file} has no "console"`, {
    hint: 'it says where the sites put their bulletins, and what opens them: see docs/console.md',
  });
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
