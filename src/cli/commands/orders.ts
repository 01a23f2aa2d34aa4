// holdfast orders: a site runs the jobs that its console has ordered.
import type { Catalog } from '#catalog/catalog.ts';
import { catalogPath } from '#catalog/catalog-path.ts';
import { type Config, jobNamed } from '#config/config.ts';
import { type Taken, takeOrders } from '#jobs/console/take.ts';
import { lockFolderOf, takeJobLock } from '#jobs/job-lock.ts';
import { formatTime } from '#lib/format.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { readConfig } from '../read-config.ts';
import { runJobs, tellOfRuns } from '../run-jobs.ts';

export const command = defineCommand({
  description: `Looks whether the console of many sites has ordered jobs of this site (\`orders:\` in the configuration file), and runs them as
\`holdfast run\` does, each once, however many orders name it. An order is taken once, whatever becomes of its runs: one that
is cancelled or killed is told to the console, and not run again.

What is not signed by the console, not for this site, expired, put back or for other jobs is refused with a warning, removed and told.

The daemon does so every five minutes; without a daemon, let cron call it. The exit status is that of the runs, as of \`run\`.`,
  args: [],
  options: {},
  examples: [['orders -q', 'from cron, every five minutes, where no daemon runs']],
  onRepository: 'of-jobs',
  statuses: [3, 4, 10, 11, 12, 13, 14],
  async run(call) {
    const { output, env, clock, signal } = call;
    const config = await readConfig(call);
    const folder = lockFolderOf(catalogPath(config.catalog, env));
    using lock = await takeJobLock(folder, '.orders', { wait: false, clock, signal });
    if (lock === undefined) {
      output.say(
        { message_type: 'summary', orders: 0 },
        'nothing to do: another process runs what was ordered',
      );
      return 0;
    }
    using catalog = catalogOf(config, call);
    const taken = await takeOrders(config, catalog, jobContext(call));
    return await carryOut(call, config, catalog, taken);
  },
});

/** The console hears that they are taken before they are done: some jobs take hours. */
const carryOut = async (call: Call, config: Config, catalog: Catalog, taken: Taken): Promise<number> => {
  const { output } = call;
  const { orders, refused, location } = taken;
  for (const { id, at, jobs } of orders)
    await output.result(
      { message_type: 'order', id, at, jobs },
      `ordered at ${formatTime(at)}: ${jobs.join(', ')} (${id})`,
    );
  if (orders.length + refused.length > 0) await tellOfRuns(config, catalog, jobContext(call), output);
  if (orders.length > 0) {
    const names = [...new Set(orders.flatMap(({ jobs }) => jobs))];
    const jobs = names.map((name) => jobNamed(config, name));
    return await runJobs(call, config, jobs, { tags: [], dryRun: false, orders });
  }
  const text = refused.length === 0 ? `no orders in ${location}` : undefined;
  output.say({ message_type: 'summary', orders: 0, refused: refused.length }, text);
  return 0;
};
