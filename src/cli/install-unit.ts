// The systemd unit of the daemon, as text.

export interface UnitOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly forUser: boolean;
  /** Whether systemd-notify is there, without which nobody can tell systemd that the daemon is ready and alive. */
  readonly canNotify: boolean;
  readonly stopTimeoutMs: number;
}

/** What is left of the time to stop after running jobs were cancelled. */
const cancelSeconds = 90;

export const unitText = ({ command, forUser, canNotify, stopTimeoutMs }: UnitOptions): string =>
  [
    '[Unit]',
    'Description=Holdfast runs backup jobs by their schedules',
    ...(forUser ? [] : ['Wants=network-online.target', 'After=network-online.target']),
    '',
    '[Service]',
    ...(canNotify ? ['Type=notify', 'NotifyAccess=all', 'WatchdogSec=5min'] : ['Type=exec']),
    'TimeoutStartSec=5min',
    `ExecStart=${command.map(quoted).join(' ')}`,
    'ExecReload=/bin/kill -HUP $MAINPID',
    'Restart=on-failure',
    'RestartSec=30',
    '# Only the daemon is told to stop; it cares for its jobs.',
    'KillMode=mixed',
    '# A job that takes too much memory ends alone.',
    'OOMPolicy=continue',
    `TimeoutStopSec=${Math.ceil(stopTimeoutMs / 1000) + cancelSeconds}`,
    'UMask=0077',
    'Nice=10',
    'Environment=XDG_CACHE_HOME=%C NODE_COMPILE_CACHE=%C/holdfast/node',
    ...(forUser ? [] : ['StateDirectory=holdfast', 'StateDirectoryMode=0700', 'CacheDirectory=holdfast']),
    ...(forUser ? [] : ['# Variables for the configuration, such as passwords; readable by root alone.']),
    ...(forUser ? [] : ['EnvironmentFile=-/etc/holdfast/environment']),
    '',
    '[Install]',
    `WantedBy=${forUser ? 'default' : 'multi-user'}.target`,
    '',
  ].join('\n');

/** A word of a command line, as systemd.service(5) reads it. */
const quoted = (word: string): string => {
  const literal = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w@%+=:,./$-]+$/.test(literal)
    ? literal
    : `"${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
};
