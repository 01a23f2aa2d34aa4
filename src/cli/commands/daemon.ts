// holdfast daemon: jobs by their schedules.
import { requireConfigFile } from '#config/find-file.ts';
import { runDaemon } from '#daemon/daemon.ts';
import { openDaemonLog } from '#daemon/daemon-log.ts';
import { readPlan } from '#daemon/plan.ts';
import { serviceManager } from '#daemon/service-manager.ts';
import { HoldfastError, hasCode } from '#lib/errors.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  description: `Runs every job that has a schedule when it is due, each in a process of its own, until it is stopped. It stays in the
foreground and writes what it does to standard error: \`holdfast install\` lets systemd start it.

SIGTERM or SIGINT: starts no more jobs, gives those that run their time (\`stopTimeout\`), then cancels them; a cancelled job
runs again when the daemon is back. A second signal ends it at once; running jobs then go on by themselves.

SIGHUP: reads the configuration anew. When the new one is wrong, the old one stays.`,
  args: [],
  options: {},
  examples: [['daemon --config /etc/holdfast/holdfast.yaml', 'what the systemd unit starts']],
  onRepository: false,
  statuses: [],
  async run({ global, env, clock, signal, output }) {
    const file = requireConfigFile(global.config, env);
    if (file === '-')
      throw new HoldfastError('USAGE', 'the daemon cannot take its configuration from standard input', {
        hint: 'it is read again at each reload: name a file',
      });
    const plan = await readPlan(file);
    using held = openDaemonLog({
      logs: plan.logs,
      stderr: { write: (text) => output.log(text) },
      json: output.json,
      env,
      clock,
    });
    const manager = serviceManager(env, (text) => held.log.warn(text));
    try {
      await runDaemon({ file, plan, clock, log: held.log, manager, signal });
    } catch (error) {
      if (!hasCode(error, 'CANCELLED')) throw error; // told to stop before it had begun, which is no failure either
    }
    return 0;
  },
});
