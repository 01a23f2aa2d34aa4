// holdfast bulletin: tells the console of many sites how everything stands here.
import { loadConfig } from '#config/config.ts';
import { writeBulletin } from '#jobs/console/bulletin.ts';
import { makeBulletin, tellConsole } from '#jobs/console/tell.ts';
import { catalogOf } from './catalog-use.ts';
import { defineCommand, flag } from './command.ts';
import { jobContext } from './job-context.ts';

export const command = defineCommand({
  description: `Puts a bulletin where the console of many sites finds it (\`bulletins:\` in the configuration file): what \`status\` knows of
this site, sealed so that only the console can read it. The repositories of the file are opened for it, as for \`status\`.

The daemon does so every hour, and every run of a job when it has ended; without a daemon, let cron call it now and then, so that
the console can tell a site where nothing happens from one that is silent.`,
  args: [],
  options: { show: flag('--show', 'print what would be told, unsealed, and tell nobody') },
  examples: [
    ['bulletin', 'from cron, every hour, where no daemon runs'],
    ['bulletin --show', 'everything that the console gets to know'],
  ],
  onRepository: false,
  statuses: [14],
  async run(call) {
    const { output, global, env } = call;
    const config = await loadConfig(global.config, env);
    for (const warning of config.warnings) output.warn(warning);
    using catalog = catalogOf(config, call);
    if (call.options.show) {
      const written = writeBulletin(await makeBulletin(config, catalog, jobContext(call)));
      await output.bytes(Buffer.from(`${written}\n`));
      return 0;
    }
    const { location, key } = await tellConsole(config, catalog, jobContext(call));
    output.say({ message_type: 'summary', location, key }, `told: ${key} in ${location}`);
    return 0;
  },
});
