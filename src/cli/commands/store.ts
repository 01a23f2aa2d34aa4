// holdfast store: the place where a repository lies, whatever is in it.
import { type StoreVerification, verifyStore } from '#jobs/verify-store.ts';
import { HoldfastError, hintOf, messageOf } from '#lib/errors.ts';
import { formatBytes, plural } from '#lib/format.ts';
import { defineCommand } from '../command.ts';
import { jobContext } from '../job-context.ts';
import type { Output } from '../output.ts';
import { chooseStore } from '../repository-choice.ts';
import { refusePasswords } from '../repository-refusal.ts';

export const command = defineCommand({
  description: `"store verify" holds a storage against everything Holdfast expects of it: that what is stored comes back byte for byte
and in part, that listings are complete, that calls at once do not disturb each other, and so on. It says what
holds, what does not and what that means, and how fast the storage is.

It needs no repository there and touches none: it works in a folder of its own, holdfast-verify/, and removes it
afterwards. A REST server takes packs only: there it stores some that no index lists, and removes them. It stores about
100 MiB, and more than 1000 small objects; some storages charge for each.`,
  args: [
    { usage: '<what>', text: 'what to do', choices: ['verify'] },
    { usage: '[repository]', text: 'a folder, a URL, or a name of the configuration file; the same as -r' },
  ],
  options: {},
  examples: [
    ['store verify offsite', 'the storage of that repository in holdfast.yaml'],
    ['store verify sftp:backup@vault:/srv/holdfast', 'before anything is kept there'],
  ],
  statuses: [14],
  async run(call) {
    const { output, args, global } = call;
    refusePasswords(global, '`store verify`, which opens no repository');
    const [, place = global.repository] = args;
    if (args[1] !== undefined && global.repository !== undefined)
      throw new HoldfastError('USAGE', `is it ${args[1]} or ${global.repository}?`, {
        hint: 'name the storage once',
      });
    const { name, store, ...limits } = await chooseStore({
      ...call,
      global: { ...global, repository: place },
    });
    const context = jobContext(call);
    const options = { ...limits, ...context.storeOptions };
    const verification = await verifyStore({ name, store, options }, context);
    output.progressDone();
    return report(output, name, verification);
  },
});

const report = (output: Output, name: string, { location, outcomes, speed }: StoreVerification): number => {
  for (const { promise, error, matters } of outcomes) {
    const message = { message_type: 'store_check', promise, holds: error === undefined };
    if (error === undefined) output.say(message, `holds: ${promise}`);
    else
      output.failure(
        { ...message, error: messageOf(error), ...(matters !== undefined && { matters }) },
        `does not hold: ${promise}: ${messageOf(error)}`,
        [matters, hintOf(error)].filter(Boolean).join('; '),
      );
  }
  const broken = outcomes.filter(({ error }) => error !== undefined).length;
  if (speed) {
    const { putMs, getMs, putRate, getRate, connections } = speed;
    output.say(
      {
        message_type: 'store_speed',
        put_ms: putMs,
        get_ms: getMs,
        put_bytes_per_second: Math.round(putRate),
        get_bytes_per_second: Math.round(getRate),
        connections,
      },
      `a small object is stored in ${putMs} ms and read in ${getMs} ms; with ${plural(connections, 'connection')}, ` +
        `${formatBytes(putRate)}/s are stored and ${formatBytes(getRate)}/s read`,
    );
  }
  output.say(
    { message_type: 'summary', repository: name, location, promises: outcomes.length, broken },
    broken === 0
      ? `${location} keeps all ${outcomes.length} promises`
      : `${location} does not keep ${broken} of ${plural(outcomes.length, 'promise')}`,
  );
  return broken === 0 ? 0 : 1;
};
