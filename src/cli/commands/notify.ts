// holdfast notify: who is told how the jobs go.
import { notifierNamed } from '#config/config.ts';
import { tellWhatIsDue } from '#jobs/notify/due.ts';
import { makeNotice, type TellContext, tellOne } from '#jobs/notify/notify.ts';
import { HoldfastError } from '#lib/errors.ts';
import { plural } from '#lib/format.ts';
import { catalogIfAny } from '../catalog-use.ts';
import { type Call, defineCommand } from '../command.ts';
import type { Output } from '../output.ts';
import { logTo } from '../output-log.ts';
import { readConfig } from '../read-config.ts';

export const command = defineCommand({
  description: `"notify test" sends a message through each notifier of the configuration file, or through those that are named, and says
which of them took it.

"notify due" tells what no run tells by itself: that a scheduled run did not come, that one was interrupted, that a site
of the console is not well, what could not be told before, and the digest of the day. The daemon does the same by itself; without it, let cron call it now and then.`,
  args: [
    { usage: '<what>', text: 'what to do', choices: ['test', 'due'] },
    { usage: '[notifier...]', text: 'names of notifiers, for test; all when none is named' },
  ],
  options: {},
  examples: [
    ['notify test ops', 'does the mail arrive?'],
    ['notify due', 'from cron, every ten minutes, where no daemon runs'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const { args, output, clock, signal } = call;
    const [what, ...names] = args;
    const config = await readConfig(call);
    using catalog = catalogIfAny(config, call);
    const context = { config, catalog, clock, signal, log: logTo(output) };
    return what === 'test' ? await test(names, context, output) : await due(call, names, context);
  },
});

const test = async (names: readonly string[], context: TellContext, output: Output): Promise<number> => {
  const { config, clock } = context;
  const chosen = names.length > 0 ? names : [...config.notifiers.keys()];
  for (const name of chosen) notifierNamed(config, name);
  if (chosen.length === 0)
    throw new HoldfastError('USAGE', `${config.file} has no notifiers`, {
      hint: 'docs/notifiers.md has examples',
    });
  let failed = 0;
  for (const name of chosen) {
    const title = `a test of the notifier ${name}: Holdfast can reach you here`;
    const paragraphs = ['Nothing is wrong. Somebody ran `holdfast notify test`.'];
    const { error } = await tellOne(
      name,
      makeNotice({ event: 'test', title, paragraphs }, clock.now()),
      context,
      [],
    );
    if (error) failed += 1;
    if (error)
      output.failure(
        { message_type: 'notified', notifier: name, error },
        `${name}: ${error.message}`,
        error.hint,
      );
    else output.say({ message_type: 'notified', notifier: name }, `${name}: told`);
  }
  output.say({ message_type: 'summary', notifiers: chosen.length, failed }, undefined);
  return failed === 0 ? 0 : 1;
};

const due = async (
  { output }: Pick<Call, 'output'>,
  names: readonly string[],
  context: TellContext,
): Promise<number> => {
  if (names.length > 0)
    throw new HoldfastError('USAGE', '`notify due` takes no names: the file says who is told');
  const deliveries = await tellWhatIsDue(context);
  for (const { notifier, title, error } of deliveries)
    if (error)
      output.failure(
        { message_type: 'notified', notifier, title, error },
        `${notifier}: ${error.message}`,
        error.hint,
      );
    else output.say({ message_type: 'notified', notifier, title }, `${notifier}: ${title}`);
  const failed = deliveries.filter(({ error }) => error).length;
  output.say(
    { message_type: 'summary', told: deliveries.length - failed, failed },
    deliveries.length === 0 ? 'nothing is due' : `${plural(deliveries.length - failed, 'notice')} sent`,
  );
  return failed === 0 ? 0 : 1;
};
