// holdfast bulletin: tells the console of many sites how everything stands here.
import type { Config } from '#config/config.ts';
import { writeBulletin } from '#jobs/console/bulletin.ts';
import { makeBulletin, tellConsole } from '#jobs/console/tell.ts';
import { HoldfastError } from '#lib/errors.ts';
import type { Secret } from '#lib/secret.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { readConfig } from '../read-config.ts';
import { makeKey, showPublicKey } from '../signing-key.ts';

const options = {
  show: flag('--show', 'print what would be told, unsealed, and tell nobody'),
  newKey: value(
    '--new-key <file>',
    'make the key of a site in this file, and print what the console puts under `sites`',
  ),
  publicKey: flag('--public-key', 'print the public key that belongs to `bulletins.key`'),
};

export const command = defineCommand({
  description: `Puts a bulletin where the console of many sites finds it (\`bulletins:\` in the configuration file): what \`status\` knows of
this site, signed with its key (\`bulletins.key\`), and sealed so that only the console can read it. The repositories of the file are
opened for it, as for \`status\`.

The daemon does so every hour, and every run of a job when it has ended; without a daemon, let cron call it now and then, so that
the console can tell a site where nothing happens from one that is silent.`,
  args: [],
  options,
  examples: [
    ['bulletin', 'from cron, every hour, where no daemon runs'],
    ['bulletin --show', 'everything that the console gets to know'],
    ['bulletin --new-key /etc/holdfast/site.key', 'once, so that nobody else can tell anything of this site'],
  ],
  onRepository: false,
  statuses: [14, 15],
  async run(call) {
    refuseTogether(call);
    if (call.options.newKey !== undefined) return await makeKey(call.output, call.options.newKey);
    const { output } = call;
    const config = await readConfig(call);
    if (call.options.publicKey) return await showPublicKey(output, keyOf(config));
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

type BulletinCall = Call<OptionSpecs & typeof options>;

/** One answer at a time. */
const refuseTogether = ({ options: { show, newKey, publicKey } }: BulletinCall): void => {
  const asked = [
    ...(show ? ['--show'] : []),
    ...(newKey === undefined ? [] : ['--new-key']),
    ...(publicKey ? ['--public-key'] : []),
  ];
  if (asked.length > 1) throw new HoldfastError('USAGE', `${asked.join(' and ')} contradict each other`);
};

const keyOf = ({ file, bulletins }: Config): Secret => {
  if (bulletins?.key !== undefined) return bulletins.key;
  throw new HoldfastError('CONFIG_INVALID', `${file} has no "key" in "bulletins"`, {
    hint: 'make one with `holdfast bulletin --new-key <file>`, and name that file there',
  });
};
