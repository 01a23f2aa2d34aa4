// holdfast metrics: how everything stands, for Prometheus.
import { once } from 'node:events';
import { healthOf } from '#jobs/health/health.ts';
import { formatMetrics } from '#jobs/health/metrics.ts';
import { serveMetrics } from '#jobs/health/metrics-server.ts';
import { HoldfastError } from '#lib/errors.ts';
import { catalogOf } from '../catalog-use.ts';
import { type Call, defineCommand, type OptionSpecs, value } from '../command.ts';
import { jobContext } from '../job-context.ts';
import { configIfAny } from '../repository-choice.ts';
import { replaceFile } from '../write-file.ts';

const options = {
  textfile: value('--textfile <path>', 'write them to this file, whole or not at all, for node_exporter'),
  listen: value('--listen <port>', 'serve them on 127.0.0.1:<port>/metrics until it is stopped'),
};

export const command = defineCommand({
  description: `Prints how everything stands in the format of Prometheus: the same as \`status\` tells, as figures.

The repositories of the configuration file are opened for it. A page that is served is made when it is asked for, and
is then the same for a minute.`,
  args: [],
  options,
  examples: [
    ['metrics --textfile /var/lib/node_exporter/holdfast.prom', 'from cron, for the textfile collector'],
    ['metrics --listen 9464', 'for a Prometheus on this machine'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    const { textfile, listen } = call.options;
    if (textfile !== undefined && listen !== undefined)
      throw new HoldfastError('USAGE', '--textfile and --listen contradict each other');
    if (listen !== undefined) return await serve(call, listen);
    const page = await collect(call);
    if (textfile !== undefined) await replaceFile(textfile, page);
    else if (call.output.json) await call.output.result({ message_type: 'metrics', text: page }, undefined);
    else await call.output.bytes(Buffer.from(page));
    return 0;
  },
});

type MetricsCall = Call<OptionSpecs & typeof options>;

/** The configuration and the catalog are read anew each time. */
const collect = async (call: MetricsCall): Promise<string> => {
  const config = await configIfAny(call);
  using catalog = catalogOf(config, call);
  return formatMetrics(await healthOf(config, catalog, {}, jobContext(call)));
};

const serve = async (call: MetricsCall, listen: string): Promise<number> => {
  const port = Number(listen);
  if (!/^\d+$/.test(listen) || port > 65_535)
    throw new HoldfastError('USAGE', `--listen ${listen} is no port`);
  await using server = await serveMetrics({ port, collect: () => collect(call) });
  const url = `http://127.0.0.1:${server.port}/metrics`;
  call.output.say({ message_type: 'listening', url }, `serving ${url}`);
  if (!call.signal.aborted) await once(call.signal, 'abort');
  return 0;
};
