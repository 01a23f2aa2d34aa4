// holdfast install: lets systemd start the daemon.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Config } from '#config/config.ts';
import { durationMs } from '#lib/duration.ts';
import { HoldfastError, messageOf } from '#lib/errors.ts';
import { makeFolder } from '#lib/make-folder.ts';
import { type Call, defineCommand, flag, type OptionSpecs, value } from '../command.ts';
import { unitText } from '../install-unit.ts';
import { readConfig } from '../read-config.ts';

const options = {
  user: flag('--user', 'for this user alone, not for the machine'),
  remove: flag('--remove', 'stop the daemon and remove what install has made'),
  dryRun: flag('-n, --dry-run', 'say what would be done, and do nothing'),
  root: value('--root <folder>', 'write below this folder and start nothing, as makers of packages need it'),
};

type InstallCall = Call<OptionSpecs & typeof options>;

export const command = defineCommand({
  description: `Writes a systemd unit that runs \`holdfast daemon\` with the configuration file that is found or named, makes the
folders it needs, readable by their owner alone, and starts it.

--remove stops it and removes the unit, and the folders that are empty. The catalog and the configuration stay.`,
  args: [],
  options,
  examples: [
    ['install --config /etc/holdfast/holdfast.yaml', 'for the machine; needs root'],
    ['install --user', "for one's own jobs"],
    ['install --dry-run', 'what it would do'],
    ['install --remove', 'undo it'],
  ],
  onRepository: false,
  statuses: [],
  async run(call) {
    if (process.platform !== 'linux' && call.options.root === undefined) throw noSystemd();
    const place = placeOf(call);
    if (!call.options.user && !call.options.dryRun && call.options.root === undefined) requireRoot();
    const steps = call.options.remove ? removal(place) : installation(call, place, await configOf(call));
    for (const step of steps) {
      call.output.say({ message_type: 'step', text: step.text }, step.text);
      if (!call.options.dryRun) step.take();
    }
    return 0;
  },
});

interface Place {
  readonly unit: string;
  readonly folders: readonly string[];
  /** Calls systemctl, where systemd runs and is meant. */
  readonly systemctl: (...words: readonly string[]) => Step[];
}

interface Step {
  readonly text: string;
  take(): void;
}

const placeOf = ({ options: { user, root }, env }: InstallCall): Place => {
  const home = env.HOME || homedir();
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  const stateHome = env.XDG_STATE_HOME || join(home, '.local', 'state');
  const below = (path: string): string => (root === undefined ? path : join(resolve(root), path));
  const runs = root === undefined && existsSync('/run/systemd/system');
  return {
    unit: below(join(user ? join(configHome, 'systemd/user') : '/etc/systemd/system', 'holdfast.service')),
    folders: (user
      ? [join(configHome, 'holdfast'), join(stateHome, 'holdfast')]
      : ['/etc/holdfast', '/var/lib/holdfast']
    ).map(below),
    systemctl: (...words) => (runs ? [systemctlStep([...(user ? ['--user'] : []), ...words])] : []),
  };
};

const noSystemd = (): HoldfastError =>
  new HoldfastError('UNSUPPORTED', `install makes a unit of systemd, which ${process.platform} has not`, {
    hint: 'let what starts programs here start `holdfast daemon`, or each `holdfast run <job>` at its time',
  });

const requireRoot = (): void => {
  if (process.getuid?.() === 0) return;
  throw new HoldfastError('USAGE', 'only root can install it for the machine', {
    hint: 'run it with sudo, or `holdfast install --user` for your own jobs',
  });
};

const configOf = async (call: InstallCall): Promise<Config> => {
  const { output } = call;
  const config = await readConfig(call);
  if (config.file === '-')
    throw new HoldfastError('USAGE', 'the daemon needs a configuration file: name one');
  const scheduled = [...config.jobs.values()].filter(({ schedule }) => schedule !== undefined);
  if (scheduled.length === 0)
    output.warn(`no job of ${config.file} has a schedule: the daemon will do nothing`);
  return config;
};

const installation = (
  { options: { user, root }, env, output }: InstallCall,
  { unit, folders, systemctl }: Place,
  config: Config,
): Step[] => {
  const canNotify = isProgram('systemd-notify', env.PATH ?? '');
  if (!canNotify)
    output.warn('systemd-notify is not installed: systemd will not see whether the daemon is well');
  const text = unitText({
    command: [process.execPath, resolve(process.argv[1] ?? ''), '--config', resolve(config.file), 'daemon'],
    forUser: user,
    canNotify,
    stopTimeoutMs: durationMs(config.daemon.stopTimeout),
  });
  const start = systemctl('daemon-reload').concat(
    systemctl('enable', 'holdfast.service'),
    systemctl('restart', 'holdfast.service'),
  );
  if (start.length === 0 && root === undefined)
    output.warn('systemd does not run here: nothing will start the daemon until it does');
  if (user) output.say({ message_type: 'note', text: lingering }, `note: ${lingering}`);
  return [
    ...folders.filter((folder) => !existsSync(folder)).map((folder) => folderStep(folder, user)),
    { text: `write ${unit}`, take: () => writeUnit(unit, text) },
    ...start,
  ];
};

const lingering = 'without `loginctl enable-linger` it runs only while you are logged in';

const removal = ({ unit, folders, systemctl }: Place): Step[] => {
  if (!existsSync(unit))
    throw new HoldfastError('USAGE', `there is no ${unit} to remove`, {
      hint: 'with --user it is that of the user, without it that of the machine',
    });
  return [
    ...systemctl('disable', '--now', 'holdfast.service'),
    { text: `remove ${unit}`, take: () => rmSync(unit) },
    ...systemctl('daemon-reload'),
    ...folders.filter((folder) => existsSync(folder)).map(emptyStep),
  ];
};

const folderStep = (folder: string, user: boolean): Step => ({
  text: `make ${folder}, for its owner alone`,
  take: () => {
    makeFolder(dirname(folder), user ? 0o700 : 0o755);
    makeFolder(folder, 0o700);
  },
});

const emptyStep = (folder: string): Step =>
  readdirSync(folder).length === 0
    ? { text: `remove ${folder}`, take: () => rmdirSync(folder) }
    : { text: `leave ${folder}, which is not empty`, take: () => {} };

const writeUnit = (unit: string, text: string): void => {
  makeFolder(dirname(unit), 0o755);
  if (existsSync(unit) && readFileSync(unit, 'utf8') === text) return;
  writeFileSync(unit, text, { mode: 0o644 });
};

const systemctlStep = (words: readonly string[]): Step => ({
  text: `systemctl ${words.join(' ')}`,
  take: () => {
    const { status, stderr, error } = spawnSync('systemctl', words, { encoding: 'utf8', timeout: 300_000 });
    if (status === 0) return;
    const why = error ? messageOf(error) : stderr.trim();
    throw new HoldfastError('FAILED', `systemctl ${words.join(' ')} failed: ${why}`, {
      hint: '`journalctl -u holdfast` may tell more',
    });
  },
});

const isProgram = (name: string, path: string): boolean =>
  path.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
